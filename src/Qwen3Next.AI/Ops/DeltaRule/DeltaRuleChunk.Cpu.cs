using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops.Shared;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// The recurrence over n tokens of one key head: q [n, dk] (scaled), k [n, dk]; per value head v [n, dv], beta [n], g [n] (log decay, at most 0),
/// state S [dk, dv], output o [n, dv].
/// </summary>
internal readonly unsafe struct DeltaRuleChunk
{
    private readonly float* _q, _k, _kk, _qk, _a, _sums, _corrected;
    private readonly int _n, _keyDim, _valueDim;

    public DeltaRuleChunk(float* q, float* k, int n, int keyDim, int valueDim, float* scratch)
    {
        _q = q;
        _k = k;
        (_n, _keyDim, _valueDim) = (n, keyDim, valueDim);
        _kk = scratch;
        _qk = _kk + n * n;
        _a = _qk + n * n;
        _sums = _a + n * n;
        _corrected = _sums + n;
    }

    public static long ScratchFloats(int n, int valueDim) => 3L * n * n + n + (long)n * valueDim;

    /// <summary>Takes one token into a state that some run of <see cref="Recurrent"/> has corrected it for; the same operations, so the same bits.</summary>
    public static void Keep(float* state, float* k, float* correction, float decay, int keyDim, int valueDim)
    {
        for (var i = 0; i < keyDim; i++, state += valueDim)
        {
            var key = Vector256.Create(k[i]);
            for (var c = 0; c < valueDim; c += 8)
                Vector256.FusedMultiplyAdd(key, Vector256.Load(correction + c), Vector256.Load(state + c) * decay).Store(state + c);
        }
    }

    /// <summary>Token by token, as the specification writes it; the values become the corrections d.</summary>
    public void Recurrent(float* state, float* v, float* beta, float* g, float* o)
    {
        for (var t = 0; t < _n; t++)
        {
            float* q = _q + t * _keyDim, k = _k + t * _keyDim, values = v + t * _valueDim, output = o + t * _valueDim;
            var decay = MathF.Exp(g[t]);
            var c = 0;
            for (; c + 32 <= _valueDim; c += 32) Step32(state + c, values + c, output + c, q, k, decay, beta[t]);
            for (; c < _valueDim; c += 8) Step8(state + c, values + c, output + c, q, k, decay, beta[t]);
        }
    }

    /// <summary>
    /// One token for eight columns of the state: what the decayed state predicts for this key, the correction, then the output from the updated state.
    /// </summary>
    private void Step8(float* state, float* value, float* output, float* q, float* k, float decay, float beta)
    {
        Vector256<float> prediction = default, result = default;
        for (var i = 0; i < _keyDim; i++)
            prediction = Vector256.FusedMultiplyAdd(Vector256.Load(state + i * _valueDim), Vector256.Create(k[i]), prediction);
        var correction = (Vector256.Load(value) - prediction * decay) * beta;
        correction.Store(value);
        for (var i = 0; i < _keyDim; i++)
        {
            var s = Vector256.FusedMultiplyAdd(Vector256.Create(k[i]), correction, Vector256.Load(state + i * _valueDim) * decay);
            s.Store(state + i * _valueDim);
            result = Vector256.FusedMultiplyAdd(s, Vector256.Create(q[i]), result);
        }
        result.Store(output);
    }

    /// <summary><see cref="Step8"/> for 32 columns, which uses whole cache lines of each row.</summary>
    private void Step32(float* state, float* value, float* output, float* q, float* k, float decay, float beta)
    {
        Vector256<float> p0 = default, p1 = default, p2 = default, p3 = default;
        var row = state;
        for (var i = 0; i < _keyDim; i++, row += _valueDim)
        {
            var key = Vector256.Create(k[i]);
            p0 = Vector256.FusedMultiplyAdd(Vector256.Load(row), key, p0);
            p1 = Vector256.FusedMultiplyAdd(Vector256.Load(row + 8), key, p1);
            p2 = Vector256.FusedMultiplyAdd(Vector256.Load(row + 16), key, p2);
            p3 = Vector256.FusedMultiplyAdd(Vector256.Load(row + 24), key, p3);
        }
        var d0 = (Vector256.Load(value) - p0 * decay) * beta;
        var d1 = (Vector256.Load(value + 8) - p1 * decay) * beta;
        var d2 = (Vector256.Load(value + 16) - p2 * decay) * beta;
        var d3 = (Vector256.Load(value + 24) - p3 * decay) * beta;
        d0.Store(value);
        d1.Store(value + 8);
        d2.Store(value + 16);
        d3.Store(value + 24);
        Vector256<float> o0 = default, o1 = default, o2 = default, o3 = default;
        row = state;
        for (var i = 0; i < _keyDim; i++, row += _valueDim)
        {
            Vector256<float> key = Vector256.Create(k[i]), query = Vector256.Create(q[i]);
            var s = Vector256.FusedMultiplyAdd(key, d0, Vector256.Load(row) * decay);
            s.Store(row);
            o0 = Vector256.FusedMultiplyAdd(s, query, o0);
            s = Vector256.FusedMultiplyAdd(key, d1, Vector256.Load(row + 8) * decay);
            s.Store(row + 8);
            o1 = Vector256.FusedMultiplyAdd(s, query, o1);
            s = Vector256.FusedMultiplyAdd(key, d2, Vector256.Load(row + 16) * decay);
            s.Store(row + 16);
            o2 = Vector256.FusedMultiplyAdd(s, query, o2);
            s = Vector256.FusedMultiplyAdd(key, d3, Vector256.Load(row + 24) * decay);
            s.Store(row + 24);
            o3 = Vector256.FusedMultiplyAdd(s, query, o3);
        }
        o0.Store(output);
        o1.Store(output + 8);
        o2.Store(output + 16);
        o3.Store(output + 24);
    }

    /// <summary>Products that all value heads of the key head share: K K^T and Q K^T.</summary>
    public void Prepare()
    {
        new Span<float>(_kk, 2 * _n * _n).Clear();
        SmallMatrix.MultiplyAddTransposed(_k, _k, _kk, _n, _n, _keyDim);
        SmallMatrix.MultiplyAddTransposed(_q, _k, _qk, _n, _n, _keyDim);
    }

    /// <summary>
    /// All tokens at once. With G the running sum of g: (I + A) D = beta (V - e^G K S), A_ij = beta_i k_i.k_j e^(G_i - G_j) below the diagonal;
    /// O = e^G Q S + (Q K^T e^(G_i - G_j)) D with the diagonal; S' = e^G_n S + (e^(G_n - G_i) K)^T D. No exponent is above 0.
    /// </summary>
    public void Chunked(float* state, float* v, float* beta, float* g, float* o)
    {
        float total = 0;
        for (var i = 0; i < _n; i++) _sums[i] = total += g[i];

        new Span<float>(_corrected, _n * _valueDim).Clear();
        SmallMatrix.MultiplyAdd(_k, _keyDim, 1, state, _corrected, _valueDim, _n, _valueDim, _keyDim);
        for (var i = 0; i < _n; i++) Correct(i, v, beta[i]);

        new Span<float>(o, _n * _valueDim).Clear();
        SmallMatrix.MultiplyAdd(_q, _keyDim, 1, state, o, _valueDim, _n, _valueDim, _keyDim);
        for (var i = 0; i < _n; i++)
        {
            SmallMatrix.Scale(o + i * _valueDim, MathF.Exp(_sums[i]), _valueDim);
            for (var j = 0; j < _n; j++) _a[i * _n + j] = j <= i ? _qk[i * _n + j] * MathF.Exp(_sums[i] - _sums[j]) : 0;
        }
        SmallMatrix.MultiplyAdd(_a, _n, 1, _corrected, o, _valueDim, _n, _valueDim, _n);

        SmallMatrix.Scale(state, MathF.Exp(total), _keyDim * _valueDim);
        for (var i = 0; i < _n; i++) SmallMatrix.Scale(_corrected + i * _valueDim, MathF.Exp(total - _sums[i]), _valueDim);
        SmallMatrix.MultiplyAdd(_k, 1, _keyDim, _corrected, state, _valueDim, _keyDim, _valueDim, _n);
    }

    /// <summary>Row i of the triangular solve: what is left of the value after the state's and the earlier tokens' predictions.</summary>
    private void Correct(int i, float* v, float beta)
    {
        var row = _corrected + i * _valueDim;
        var decay = MathF.Exp(_sums[i]);
        for (var j = 0; j < i; j++) _a[j] = _kk[i * _n + j] * MathF.Exp(_sums[i] - _sums[j]);
        for (var c = 0; c < _valueDim; c += 8)
        {
            var rest = Vector256.Load(v + i * _valueDim + c) - Vector256.Load(row + c) * decay;
            for (var j = 0; j < i; j++) rest -= Vector256.Load(_corrected + j * _valueDim + c) * _a[j];
            (rest * beta).Store(row + c);
        }
    }
}
