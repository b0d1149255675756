namespace Qwen3Next.AI.Sampling;

/// <summary>How the next token is chosen from logits. Checked by <see cref="Validate"/> when a request enters the engine.</summary>
public sealed record SamplingParameters
{
    /// <summary>Always the most likely token.</summary>
    public static SamplingParameters Greedy { get; } = new();

    /// <summary>Temperature, 0 to 100. 0 (default) takes the most likely token.</summary>
    public float Temperature { get; init; }

    /// <summary>Tokens kept, most likely first; 0 (default) keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Probability mass kept, in (0, 1]. Default: 1.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Tokens less likely than this times the most likely one are dropped, 0 (default) to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in prompt or answer, above 0. Default: 1.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted per occurrence in the answer, -2 to 2. Default: 0.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once for tokens in the answer, -2 to 2. Default: 0.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Added to the logits of these token ids. Default: none.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Seed of the draws; null (default) takes a fresh one.</summary>
    public long? Seed { get; init; }

    /// <summary>Throws <see cref="ArgumentOutOfRangeException"/> naming the first value outside its range.</summary>
    public void Validate()
    {
        Check(Temperature is >= 0 and <= 100, Temperature, nameof(Temperature), "0 to 100");
        Check(TopK >= 0, TopK, nameof(TopK), "0 or more");
        Check(TopP is > 0 and <= 1, TopP, nameof(TopP), "above 0 and at most 1");
        Check(MinP is >= 0 and <= 1, MinP, nameof(MinP), "0 to 1");
        Check(RepetitionPenalty is > 0 and <= 100, RepetitionPenalty, nameof(RepetitionPenalty), "above 0 and at most 100");
        Check(FrequencyPenalty is >= -2 and <= 2, FrequencyPenalty, nameof(FrequencyPenalty), "-2 to 2");
        Check(PresencePenalty is >= -2 and <= 2, PresencePenalty, nameof(PresencePenalty), "-2 to 2");
        foreach (var (token, bias) in LogitBias ?? new Dictionary<int, float>())
            Check(token >= 0 && !float.IsNaN(bias), bias, $"{nameof(LogitBias)}[{token}]", "a number, for a token id of 0 or more");
    }

    private static void Check(bool holds, object value, string name, string range)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }
}
