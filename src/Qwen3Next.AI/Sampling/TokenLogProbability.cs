namespace Qwen3Next.AI.Sampling;

/// <summary>How likely a token was, after penalties, bias and constraints and before temperature and cuts.</summary>
public sealed class TokenLogProbability
{
    /// <summary>Most tokens that can be asked for beside the chosen one.</summary>
    public const int MaxTop = 20;

    /// <summary>The token.</summary>
    public required int Token { get; init; }

    /// <summary>Natural logarithm of its probability, at most 0.</summary>
    public required float LogProbability { get; init; }

    /// <summary>The most likely tokens in its place, most likely first, as many as were asked for, or as may follow where those are fewer.</summary>
    public IReadOnlyList<TokenLogProbability> Top { get; init; } = [];

    /// <param name="logits">As they were sampled from.</param>
    /// <param name="token">The chosen one.</param>
    /// <param name="top">How many others, 0 to <see cref="MaxTop"/>.</param>
    internal static TokenLogProbability Of(ReadOnlySpan<float> logits, int token, int top)
    {
        Span<int> best = stackalloc int[Math.Min(top, logits.Length)];
        var (count, maximum) = (0, float.NegativeInfinity);
        for (var i = 0; i < logits.Length; i++)
        {
            // A constraint forbids it: it has no probability.
            if (float.IsNegativeInfinity(logits[i])) continue;
            maximum = Math.Max(maximum, logits[i]);
            if (count == best.Length && (count == 0 || logits[i] <= logits[best[^1]])) continue;
            if (count < best.Length) count++;
            var at = count - 1;
            for (; at > 0 && logits[best[at - 1]] < logits[i]; at--) best[at] = best[at - 1];
            best[at] = i;
        }
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp(logit - maximum);
        var total = maximum + Math.Log(sum);
        var others = new TokenLogProbability[count];
        for (var i = 0; i < count; i++) others[i] = new TokenLogProbability { Token = best[i], LogProbability = (float)(logits[best[i]] - total) };
        return new TokenLogProbability { Token = token, LogProbability = (float)(logits[token] - total), Top = others };
    }
}
