namespace Qwen3Next.AI.Ops;

/// <summary>
/// Which tokens visit which network in one call: assignments sorted by network, each with a token and a weight. The shared network comes last,
/// as number E. Arrays grow to the largest call and stay.
/// </summary>
internal sealed unsafe class ExpertPlan
{
    private int[] _first = [];
    private int[] _tokens = [];
    private float[] _weights = [];
    private int[] _chosen = [];
    private float[] _chosenWeights = [];

    public ReadOnlySpan<int> First => _first;

    public int[] Tokens => _tokens;

    public float[] Weights => _weights;

    /// <summary>Networks that are visited at least once, in order.</summary>
    public int[] Active { get; private set; } = [];

    public int ActiveCount { get; private set; }

    public int Assignments { get; private set; }

    /// <param name="logits">Router output [tokens, experts].</param>
    /// <param name="sharedWeights">[tokens] scale of the shared network, or null when there is none.</param>
    /// <param name="tokens">T.</param>
    /// <param name="experts">E.</param>
    /// <param name="active">Experts per token.</param>
    /// <param name="normalize">Divide by the sum of the chosen.</param>
    public void Build(float* logits, float* sharedWeights, int tokens, int experts, int active, bool normalize)
    {
        Grow(tokens, experts, active);
        Array.Clear(_first);
        for (var t = 0; t < tokens; t++)
        {
            Choose(logits + (long)t * experts, experts, _chosen.AsSpan(t * active, active), _chosenWeights.AsSpan(t * active, active), normalize);
            foreach (var expert in _chosen.AsSpan(t * active, active)) _first[expert + 1]++;
        }
        if (sharedWeights != null) _first[experts + 1] = tokens;

        ActiveCount = 0;
        for (var e = 0; e <= experts; e++)
        {
            if (_first[e + 1] > 0) Active[ActiveCount++] = e;
            _first[e + 1] += _first[e];
        }
        Assignments = _first[experts + 1];
        for (var t = 0; t < tokens; t++)
            for (var i = t * active; i < (t + 1) * active; i++) Assign(_chosen[i], t, _chosenWeights[i]);
        if (sharedWeights != null)
            for (var t = 0; t < tokens; t++) Assign(experts, t, sharedWeights[t]);

        // Assigning moved each start to the next network's: shift back.
        Array.Copy(_first, 0, _first, 1, experts + 1);
        _first[0] = 0;
    }

    private void Assign(int expert, int token, float weight)
    {
        var index = _first[expert]++;
        _tokens[index] = token;
        _weights[index] = weight;
    }

    private void Grow(int tokens, int experts, int active)
    {
        if (_first.Length != experts + 2) (_first, Active) = (new int[experts + 2], new int[experts + 1]);
        if (_tokens.Length < tokens * (active + 1)) (_tokens, _weights) = (new int[tokens * (active + 1)], new float[tokens * (active + 1)]);
        if (_chosen.Length < tokens * active) (_chosen, _chosenWeights) = (new int[tokens * active], new float[tokens * active]);
    }

    private static void Choose(float* logits, int experts, Span<int> chosen, Span<float> weights, bool normalize)
    {
        if (chosen.Length == 0) return;
        var maximum = float.NegativeInfinity;
        for (var e = 0; e < experts; e++) maximum = MathF.Max(maximum, logits[e]);
        var total = 0f;
        for (var e = 0; e < experts; e++) total += MathF.Exp(logits[e] - maximum);

        // Insertion into a short sorted list; a later expert must be strictly larger, so the lower id wins a tie.
        var count = 0;
        for (var e = 0; e < experts; e++)
        {
            if (count == chosen.Length && !(logits[e] > logits[chosen[count - 1]])) continue;
            var place = count < chosen.Length ? count++ : count - 1;
            for (; place > 0 && logits[e] > logits[chosen[place - 1]]; place--) chosen[place] = chosen[place - 1];
            chosen[place] = e;
        }
        var sum = 0f;
        for (var i = 0; i < count; i++) sum += weights[i] = MathF.Exp(logits[chosen[i]] - maximum) / total;
        if (normalize)
            foreach (ref var weight in weights) weight /= sum;
    }
}
