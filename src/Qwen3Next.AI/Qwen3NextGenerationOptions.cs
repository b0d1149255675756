using System.ComponentModel.DataAnnotations;

namespace Qwen3Next.AI;

/// <summary>
/// Values of one generation; null means "not set". Also the type that <c>ChatOptions.RawRepresentationFactory</c> may return:
/// what is set here wins over the corresponding <c>ChatOptions</c> member.
/// </summary>
public sealed class Qwen3NextGenerationOptions
{
    /// <summary>Temperature, 0 to 100; 0 takes the most likely token.</summary>
    [Range(0.0, 100.0)]
    public float? Temperature { get; set; }

    /// <summary>Tokens kept, most likely first; 0 keeps all.</summary>
    [Range(0, int.MaxValue)]
    public int? TopK { get; set; }

    /// <summary>Probability mass kept, in (0, 1].</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public float? TopP { get; set; }

    /// <summary>Tokens less likely than this times the most likely one are dropped, 0 to 1.</summary>
    [Range(0.0, 1.0)]
    public float? MinP { get; set; }

    /// <summary>Divides (or multiplies, when negative) logits of tokens already seen in prompt or answer, above 0 and at most 100; 1 does nothing.</summary>
    [Range(0.0, 100.0, MinimumIsExclusive = true)]
    public float? RepetitionPenalty { get; set; }

    /// <summary>Subtracted from a logit for every time its token occurs in the answer, -2 to 2.</summary>
    [Range(-2.0, 2.0)]
    public float? FrequencyPenalty { get; set; }

    /// <summary>Subtracted once from the logit of every token that occurs in the answer, -2 to 2.</summary>
    [Range(-2.0, 2.0)]
    public float? PresencePenalty { get; set; }

    /// <summary>Added to the logits of these token ids.</summary>
    public IDictionary<int, float>? LogitBias { get; set; }

    /// <summary>Seed; the same seed, prompt and settings give the same answer, whatever else runs in the batch.</summary>
    public long? Seed { get; set; }

    /// <summary>Texts that end the answer; not part of it.</summary>
    public IList<string>? StopSequences { get; set; }

    /// <summary>Answer budget in tokens, thinking and tool calls included.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxOutputTokens { get; set; }

    /// <summary>
    /// Tokens of thinking after which the block is closed and the answer begins, 0 or more. Formats that do not think ignore it. It ends the
    /// thinking wherever it stands; the answer still has the rest of <see cref="MaxOutputTokens"/>.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int? ThinkingBudget { get; set; }

    /// <summary>
    /// A regular expression that the answer as a whole matches; thinking comes before it. Look-around, back references, word boundaries and Unicode
    /// categories are refused with a <see cref="NotSupportedException"/>. Not together with a JSON response format or tools.
    /// </summary>
    public string? Pattern { get; set; }

    /// <summary>Whether a <see cref="Qwen3NextFormat.Hybrid"/> model thinks. Other formats ignore it.</summary>
    public bool? EnableThinking { get; set; }
}
