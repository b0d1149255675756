namespace Qwen3Next.AI;

/// <summary>
/// Values of one generation; null means "not set". Also the type that <c>ChatOptions.RawRepresentationFactory</c> may return:
/// what is set here wins over the corresponding <c>ChatOptions</c> member.
/// </summary>
public sealed class Qwen3NextGenerationOptions
{
    /// <summary>Temperature, 0 to 100; 0 takes the most likely token.</summary>
    public float? Temperature { get; set; }

    /// <summary>Tokens kept, most likely first; 0 keeps all.</summary>
    public int? TopK { get; set; }

    /// <summary>Probability mass kept, in (0, 1].</summary>
    public float? TopP { get; set; }

    /// <summary>Tokens less likely than this times the most likely one are dropped, 0 to 1.</summary>
    public float? MinP { get; set; }

    /// <summary>Divides (or multiplies, when negative) logits of tokens already seen in prompt or answer, above 0; 1 does nothing.</summary>
    public float? RepetitionPenalty { get; set; }

    /// <summary>Subtracted from a logit for every time its token occurs in the answer, -2 to 2.</summary>
    public float? FrequencyPenalty { get; set; }

    /// <summary>Subtracted once from the logit of every token that occurs in the answer, -2 to 2.</summary>
    public float? PresencePenalty { get; set; }

    /// <summary>Added to the logits of these token ids.</summary>
    public IDictionary<int, float>? LogitBias { get; set; }

    /// <summary>Seed; the same seed, prompt and settings give the same answer, whatever else runs in the batch.</summary>
    public long? Seed { get; set; }

    /// <summary>Texts that end the answer; not part of it.</summary>
    public IList<string>? StopSequences { get; set; }

    /// <summary>Answer budget in tokens, thinking and tool calls included.</summary>
    public int? MaxOutputTokens { get; set; }

    /// <summary>Whether a <see cref="Qwen3NextFormat.Hybrid"/> model thinks. Other formats ignore it.</summary>
    public bool? EnableThinking { get; set; }
}
