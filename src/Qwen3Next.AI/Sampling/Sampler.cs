using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Qwen3Next.AI.Sampling;

/// <summary>
/// Chooses the next token: penalties and bias, temperature, top-k, top-p, min-p, then one draw. Draws are a function of seed and position in
/// the answer alone, so a conversation's tokens do not depend on what else runs. Used by one thread at a time; allocates nothing per token.
/// </summary>
/// <param name="vocabularySize">Longest row of logits.</param>
internal sealed class Sampler(int vocabularySize)
{
    private readonly int[] _tokens = new int[vocabularySize];
    private readonly float[] _weights = new float[vocabularySize];

    /// <param name="logits">One row; changed in place. Rows of the table that no token has are cut off by the caller.</param>
    /// <param name="p">How to choose.</param>
    /// <param name="edits">What penalties and bias make of some logits.</param>
    /// <param name="seed">Seed of the conversation.</param>
    /// <param name="position">Position in the answer.</param>
    /// <param name="allowed">One bit for each token that may be chosen, lowest first; empty where all may.</param>
    /// <exception cref="Qwen3NextException">The logits are not numbers.</exception>
    public int Sample(Span<float> logits, SamplingParameters p, ReadOnlySpan<LogitEdit> edits, long seed, int position, ReadOnlySpan<ulong> allowed = default)
    {
        foreach (var edit in edits) edit.Apply(logits);
        if (!allowed.IsEmpty) Forbid(logits, allowed);

        var best = TensorPrimitives.IndexOfMax(logits);
        if (!float.IsFinite(logits[best]))
            throw new Qwen3NextException($"The model's output is not a number (logit {logits[best]} at token {best}); the checkpoint may be damaged.");
        if (p.Temperature == 0 || p.TopK == 1) return best;

        var count = p.TopK > 0 && p.TopK < logits.Length ? TakeTop(logits, p.TopK) : TakeAll(logits);
        ToWeights(count, logits[best], p.Temperature);
        if (!allowed.IsEmpty) count = Keep(count, float.Epsilon);
        if (p.TopP < 1) count = CutToMass(count, p.TopP);
        if (p.MinP > 0) count = CutBelow(count, p.MinP);
        // The draw goes by id, so that it depends on which tokens are kept and not on how they were found.
        if (count < logits.Length) Array.Sort(_tokens, _weights, 0, count);
        return Draw(count, Uniform(seed, position));
    }

    /// <summary>In [0, 1): SplitMix64 of seed and position.</summary>
    internal static double Uniform(long seed, int position)
    {
        var x = (ulong)seed + (ulong)(position + 1L) * 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return ((x ^ (x >> 31)) >> 11) * (1.0 / (1L << 53));
    }

    private static void Forbid(Span<float> logits, ReadOnlySpan<ulong> allowed)
    {
        for (var i = 0; i < logits.Length; i += 64)
        {
            var word = allowed[i >> 6];
            if (word == ulong.MaxValue) continue;
            var part = logits[i..Math.Min(i + 64, logits.Length)];
            if (word == 0)
            {
                part.Fill(float.NegativeInfinity);
                continue;
            }
            for (var k = 0; k < part.Length; k++)
                if ((word & (1UL << k)) == 0) part[k] = float.NegativeInfinity;
        }
    }

    private int TakeAll(ReadOnlySpan<float> logits)
    {
        for (var i = 0; i < logits.Length; i++) _tokens[i] = i;
        logits.CopyTo(_weights);
        return logits.Length;
    }

    // A min-heap of the best so far, worst on top. Of equal logits the lower token is better.
    private int TakeTop(ReadOnlySpan<float> logits, int k)
    {
        for (var i = 0; i < k; i++) (_tokens[i], _weights[i]) = (i, logits[i]);
        for (var i = k / 2 - 1; i >= 0; i--) SiftDown(i, k);
        for (var i = k; i < logits.Length; i++)
        {
            if (logits[i] <= _weights[0]) continue;
            (_tokens[0], _weights[0]) = (i, logits[i]);
            SiftDown(0, k);
        }
        return k;
    }

    private void SiftDown(int i, int count)
    {
        while (true)
        {
            var worst = i;
            for (var child = 2 * i + 1; child <= Math.Min(2 * i + 2, count - 1); child++)
                if (Worse(child, worst)) worst = child;
            if (worst == i) return;
            (_tokens[i], _tokens[worst]) = (_tokens[worst], _tokens[i]);
            (_weights[i], _weights[worst]) = (_weights[worst], _weights[i]);
            i = worst;
        }
    }

    private bool Worse(int a, int b) => _weights[a] < _weights[b] || (_weights[a] == _weights[b] && _tokens[a] > _tokens[b]);

    private void ToWeights(int count, float maximum, float temperature)
    {
        for (var i = 0; i < count; i++) _weights[i] = MathF.Exp((_weights[i] - maximum) / temperature);
    }

    /// <summary>Keeps the fewest most likely tokens whose mass reaches <paramref name="mass"/>; of equal ones those of lower id.</summary>
    private int CutToMass(int count, float mass)
    {
        var total = Sum(count);
        // Tokens this unlikely cannot matter even all together; dropping them first keeps the sort short.
        var floor = total * (1 - mass) / count;
        var kept = Keep(count, floor);
        Array.Sort(_weights, _tokens, 0, kept);
        Array.Reverse(_weights, 0, kept);
        Array.Reverse(_tokens, 0, kept);
        double sum = 0;
        for (var i = 0; i < kept; i++)
        {
            if ((sum += _weights[i]) < mass * total) continue;
            SortEqual(i, kept);
            return i + 1;
        }
        return kept;
    }

    /// <summary>Puts the tokens that weigh what the one at <paramref name="i"/> does, its neighbours, in order of id.</summary>
    private void SortEqual(int i, int count)
    {
        int first = i, end = i + 1;
        while (first > 0 && _weights[first - 1] == _weights[i]) first--;
        while (end < count && _weights[end] == _weights[i]) end++;
        Array.Sort(_tokens, first, end - first);
    }

    // The most likely token has weight 1.
    private int CutBelow(int count, float minP) => Keep(count, minP);

    private int Keep(int count, double floor)
    {
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            if (_weights[i] < floor) continue;
            (_tokens[kept], _weights[kept]) = (_tokens[i], _weights[i]);
            kept++;
        }
        return kept;
    }

    private int Draw(int count, double uniform)
    {
        var rest = uniform * Sum(count);
        for (var i = 0; i < count - 1; i++)
            if ((rest -= _weights[i]) < 0) return _tokens[i];
        return _tokens[count - 1];
    }

    private double Sum(int count)
    {
        double sum = 0;
        for (var i = 0; i < count; i++) sum += _weights[i];
        return sum;
    }
}
