using Qwen3Next.AI.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed unsafe class DeltaRuleTests
{
    private const int KeyHeads = 2, ValueHeads = 6, KeyDim = 24, ValueDim = 16, Taps = 4;

    [Theory]
    [InlineData("Recurrent", 1)]
    [InlineData("Recurrent", 65)]
    [InlineData("Chunked", 1)]
    [InlineData("Chunked", 2)]
    [InlineData("Chunked", 63)]
    [InlineData("Chunked", 64)]
    [InlineData("Chunked", 65)]
    [InlineData("Chunked", 130)]
    public void DeltaRule_EitherForm_MeetsDoublePrecision(string form, int tokens)
    {
        using var memory = new TestMemory(tokens);
        using var backend = new CpuBackend(2);
        var p = Parameters(memory);
        var projected = memory.Random(2, tokens + 3, p.ProjectedWidth);
        var states = new DeltaStates(memory.Random(0.3f, 2, ValueHeads, KeyDim, ValueDim), memory.Random(1, 2, Taps - 1, p.ConvChannels));
        var reference = new[] { new Reference(p, states, 0), new Reference(p, states, 1) };
        var heads = memory.Random(9, tokens + 3, ValueHeads * ValueDim);

        // Two sequences with states of their own; the second is short and goes on from its state too.
        backend.DeltaRule(p, projected, states, TestMemory.Batch(1, (5, tokens), (9, 3)), heads, Enum.Parse<DeltaRuleForm>(form));

        for (var t = 0; t < tokens + 3; t++)
        {
            var expected = reference[t < tokens ? 0 : 1].Step(projected.Rows(t, 1).AsSpan());
            Close.Assert(expected, heads.Rows(t, 1).AsSpan(), 2e-5f, 2e-5f, $"token {t}");
        }
        for (var n = 0; n < 2; n++)
        {
            Close.Assert(reference[n].State, states.Recurrent.Rows(n, 1).AsSpan(), 2e-5f, 2e-5f, $"state {n}");
            Close.Assert(reference[n].History, states.Conv.Rows(n, 1).AsSpan(), 0, 0, $"convolution state {n}");
        }
    }

    [Fact]
    public void DeltaRule_StrongDecay_StaysFinite()
    {
        using var memory = new TestMemory(1);
        using var backend = new CpuBackend(1);
        var p = Parameters(memory) with { NegExpA = memory.Of([.. Enumerable.Repeat(-40f, ValueHeads)], ValueHeads) };
        var projected = memory.Random(30, 100, p.ProjectedWidth);
        var states = new DeltaStates(memory.Zeros(1, ValueHeads, KeyDim, ValueDim), memory.Zeros(1, Taps - 1, p.ConvChannels));
        var heads = memory.Zeros(100, ValueHeads * ValueDim);
        backend.DeltaRule(p, projected, states, TestMemory.Batch(1, (0, 100)), heads, DeltaRuleForm.Chunked);
        Assert.All(heads.AsSpan().ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void Recurrence_SpecificationVector_IsMet()
    {
        // Specification 11, with the two channels padded to eight by zeros, which changes nothing.
        using var memory = new TestMemory(1);
        float[][] q = [[1, 2], [-1, 0.5f], [0.25f, -0.75f]], k = [[0.5f, -1], [2, 1], [-0.5f, 0.5f]], v = [[1, -1], [0.5f, 2], [-1.5f, 0.25f]];
        float[] beta = [0.5f, 0.731058579f, 0.119202922f], g = [-1.874383410f, -0.637842457f, -3.874835544f];
        float[][] expected = [[-0.212131928f, 0.212131928f], [-0.304543691f, -0.470860639f], [0.115592870f, -0.026053093f]];
        foreach (var chunked in new[] { false, true })
        {
            var state = memory.Zeros(8, 8);
            var output = memory.Zeros(3, 8);
            var scratch = memory.Zeros((int)DeltaRuleChunk.ScratchFloats(3, 8));
            var chunk = new DeltaRuleChunk(Rows(memory, q, MathF.Sqrt(0.5f)).F32, Rows(memory, k, 1).F32, 3, 8, 8, scratch.F32);
            var (values, betas, decays) = (memory.Zeros(3, 8), memory.Of(beta, 3), memory.Of(g, 3));
            for (var t = 0; t < 3; t++) v[t].CopyTo(values.Rows(t, 1).AsSpan());
            if (chunked) chunk.Prepare();
            if (chunked) chunk.Chunked(state.F32, values.F32, betas.F32, decays.F32, output.F32);
            else chunk.Recurrent(state.F32, values.F32, betas.F32, decays.F32, output.F32);
            for (var t = 0; t < 3; t++) Close.Assert(expected[t], output.Rows(t, 1).AsSpan()[..2], 1e-6f, 1e-6f, $"o[{t}]");
            Close.Assert([0.135032137f, 0.003250659f], state.Rows(0, 1).AsSpan()[..2], 1e-6f, 1e-6f, "S[0]");
            Close.Assert([-0.127305102f, 0.039921241f], state.Rows(1, 1).AsSpan()[..2], 1e-6f, 1e-6f, "S[1]");
        }
    }

    private static Qwen3Next.AI.Tensors.Tensor Rows(TestMemory memory, float[][] rows, float factor)
    {
        var tensor = memory.Zeros(rows.Length, 8);
        for (var t = 0; t < rows.Length; t++)
        {
            var norm = factor / MathF.Sqrt(rows[t].Sum(x => x * x) + 1e-6f);
            for (var c = 0; c < rows[t].Length; c++) tensor.F32[t * 8 + c] = rows[t][c] * norm;
        }
        return tensor;
    }

    private static DeltaRuleParameters Parameters(TestMemory memory) => Parameters(memory, KeyHeads, ValueHeads, KeyDim, ValueDim, Taps);

    internal static DeltaRuleParameters Parameters(TestMemory memory, int keyHeads, int valueHeads, int keyDim, int valueDim, int taps)
    {
        var decays = new[] { -0.1f, -1, -3, -0.01f, -0.5f, -8 }.AsSpan(0, valueHeads);
        return new DeltaRuleParameters(keyHeads, valueHeads, keyDim, valueDim, 1e-6f, memory.Random(1, taps, 2 * keyHeads * keyDim + valueHeads * valueDim),
            memory.Of(decays, valueHeads), memory.Random(1, valueHeads), memory.Random(1, valueDim));
    }

    /// <summary>Specification 3.3 written down once more, token by token in double precision.</summary>
    private sealed class Reference(DeltaRuleParameters p, DeltaStates states, int slot)
    {
        private readonly double[] _state = [.. states.Recurrent.Rows(slot, 1).AsSpan().ToArray().Select(v => (double)v)];
        private readonly Queue<float[]> _window = new(states.Conv.Rows(slot, 1).AsSpan().ToArray().Chunk(p.ConvChannels));

        public float[] State => [.. _state.Select(v => (float)v)];

        public float[] History => [.. _window.SelectMany(row => row)];

        public float[] Step(ReadOnlySpan<float> projected)
        {
            _window.Enqueue(projected[..p.ConvChannels].ToArray());
            var rows = _window.ToArray();
            _window.Dequeue();
            var conv = new double[p.ConvChannels];
            for (var c = 0; c < conv.Length; c++)
            {
                for (var j = 0; j < Taps; j++) conv[c] += (double)p.Conv.F32[j * p.ConvChannels + c] * rows[j][c];
                conv[c] /= 1 + Math.Exp(-conv[c]);
            }
            var output = new float[ValueHeads * ValueDim];
            for (var h = 0; h < ValueHeads; h++)
            {
                var keyHead = h / (ValueHeads / KeyHeads);
                var q = Unit(conv.AsSpan(keyHead * KeyDim, KeyDim), 1 / Math.Sqrt(KeyDim));
                var k = Unit(conv.AsSpan((KeyHeads + keyHead) * KeyDim, KeyDim), 1);
                var v = conv.AsSpan(2 * KeyHeads * KeyDim + h * ValueDim, ValueDim);
                var z = projected.Slice(p.ConvChannels + h * ValueDim, ValueDim);
                var beta = 1 / (1 + Math.Exp(-projected[p.ConvChannels + ValueHeads * ValueDim + h]));
                var decay = Math.Exp(p.NegExpA.F32[h] * Math.Log(1 + Math.Exp(projected[p.ConvChannels + ValueHeads * ValueDim + ValueHeads + h] + p.DtBias.F32[h])));
                Head(h, q, k, v, z, beta, decay, output.AsSpan(h * ValueDim, ValueDim));
            }
            return output;
        }

        private void Head(int h, double[] q, double[] k, ReadOnlySpan<double> v, ReadOnlySpan<float> z, double beta, double decay, Span<float> y)
        {
            var s = _state.AsSpan(h * KeyDim * ValueDim, KeyDim * ValueDim);
            var o = new double[ValueDim];
            for (var c = 0; c < ValueDim; c++)
            {
                double m = 0;
                for (var i = 0; i < KeyDim; i++) m += (s[i * ValueDim + c] *= decay) * k[i];
                var d = beta * (v[c] - m);
                for (var i = 0; i < KeyDim; i++) o[c] += (s[i * ValueDim + c] += k[i] * d) * q[i];
            }
            var scale = 1 / Math.Sqrt(o.Sum(x => x * x) / ValueDim + p.Epsilon);
            for (var c = 0; c < ValueDim; c++) y[c] = (float)(o[c] * scale * p.Norm.F32[c] * z[c] / (1 + Math.Exp(-z[c])));
        }

        private static double[] Unit(ReadOnlySpan<double> x, double factor)
        {
            double sum = 1e-6;
            foreach (var value in x) sum += value * value;
            var result = x.ToArray();
            for (var i = 0; i < result.Length; i++) result[i] *= factor / Math.Sqrt(sum);
            return result;
        }
    }
}
