using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace Qwen3Next.AI.SemanticKernel;

/// <summary>Prompt settings of a Qwen3-Next model; null means "not set", then the model's own defaults hold. Names in prompt files are in snake case.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
public sealed class Qwen3NextPromptExecutionSettings : PromptExecutionSettings
{
    /// <summary>Temperature, 0 to 100; 0 takes the most likely token.</summary>
    [JsonPropertyName("temperature")]
    public float? Temperature { get; set => Set(ref field, value); }

    /// <summary>Tokens kept, most likely first; 0 keeps all.</summary>
    [JsonPropertyName("top_k")]
    public int? TopK { get; set => Set(ref field, value); }

    /// <summary>Probability mass kept, in (0, 1].</summary>
    [JsonPropertyName("top_p")]
    public float? TopP { get; set => Set(ref field, value); }

    /// <summary>Tokens less likely than this times the most likely one are dropped, 0 to 1.</summary>
    [JsonPropertyName("min_p")]
    public float? MinP { get; set => Set(ref field, value); }

    /// <summary>Divides (or multiplies, when negative) logits of tokens already seen, above 0 and at most 100; 1 does nothing.</summary>
    [JsonPropertyName("repetition_penalty")]
    public float? RepetitionPenalty { get; set => Set(ref field, value); }

    /// <summary>Subtracted from a logit for every time its token occurs in the answer, -2 to 2.</summary>
    [JsonPropertyName("frequency_penalty")]
    public float? FrequencyPenalty { get; set => Set(ref field, value); }

    /// <summary>Subtracted once from the logit of every token that occurs in the answer, -2 to 2.</summary>
    [JsonPropertyName("presence_penalty")]
    public float? PresencePenalty { get; set => Set(ref field, value); }

    /// <summary>Seed; the same seed, prompt and settings give the same answer.</summary>
    [JsonPropertyName("seed")]
    public long? Seed { get; set => Set(ref field, value); }

    /// <summary>Answer budget in tokens, thinking and tool calls included.</summary>
    [JsonPropertyName("max_tokens")]
    public int? MaxTokens { get; set => Set(ref field, value); }

    /// <summary>Texts that end the answer; not part of it.</summary>
    [JsonPropertyName("stop_sequences")]
    public IList<string>? StopSequences { get; set => Set(ref field, value); }

    /// <summary>Whether a hybrid model thinks. Other models ignore it.</summary>
    [JsonPropertyName("enable_thinking")]
    public bool? EnableThinking { get; set => Set(ref field, value); }

    /// <summary>none, low, medium, high or xhigh; best effort: a hybrid model does not think at none, other models ignore it.</summary>
    [JsonPropertyName("reasoning_effort")]
    public string? ReasoningEffort { get; set => Set(ref field, value); }

    /// <summary>Most tokens of thinking, 0 or more; then the thinking block is closed and the answer follows.</summary>
    [JsonPropertyName("thinking_budget")]
    public int? ThinkingBudget { get; set => Set(ref field, value); }

    /// <summary>What the answer must be: "text", "json_object" (any JSON object), a JSON schema as <see cref="JsonElement"/>, or a <see cref="Type"/> whose schema is meant.</summary>
    [JsonPropertyName("response_format"), JsonConverter(typeof(ResponseFormatConverter))]
    public object? ResponseFormat { get; set => Set(ref field, value); }

    /// <summary>Reads any settings as those of this model: null gives new ones, those of this type are returned as they are.</summary>
    /// <param name="settings">The settings of a request.</param>
    /// <exception cref="JsonException">A value has the wrong type.</exception>
    public static Qwen3NextPromptExecutionSettings FromExecutionSettings(PromptExecutionSettings? settings)
    {
        if (settings is null) return new Qwen3NextPromptExecutionSettings();
        if (settings is Qwen3NextPromptExecutionSettings own) return own;
        var read = JsonSerializer.Deserialize<Qwen3NextPromptExecutionSettings>(JsonSerializer.Serialize(settings, settings.GetType()))!;
        read.FunctionChoiceBehavior = settings.FunctionChoiceBehavior; // its functions do not survive JSON
        return read;
    }

    /// <inheritdoc/>
    public override void Freeze()
    {
        if (IsFrozen) return;
        StopSequences = StopSequences?.AsReadOnly();
        base.Freeze();
    }

    /// <inheritdoc/>
    public override PromptExecutionSettings Clone() => new Qwen3NextPromptExecutionSettings
    {
        ModelId = ModelId,
        ServiceId = ServiceId,
        ExtensionData = ExtensionData is null ? null : new Dictionary<string, object>(ExtensionData),
        FunctionChoiceBehavior = FunctionChoiceBehavior,
        Temperature = Temperature,
        TopK = TopK,
        TopP = TopP,
        MinP = MinP,
        RepetitionPenalty = RepetitionPenalty,
        FrequencyPenalty = FrequencyPenalty,
        PresencePenalty = PresencePenalty,
        Seed = Seed,
        MaxTokens = MaxTokens,
        StopSequences = StopSequences is null ? null : [.. StopSequences],
        EnableThinking = EnableThinking,
        ReasoningEffort = ReasoningEffort,
        ThinkingBudget = ThinkingBudget,
        ResponseFormat = ResponseFormat,
    };

    /// <inheritdoc/>
    protected override void PrepareChatOptionsForRequest(ChatOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        // The kernel translates every effort but this one, and leaves the word among the additional properties.
        if (string.Equals(ReasoningEffort, "none", StringComparison.OrdinalIgnoreCase))
            options.Reasoning = new ReasoningOptions { Effort = Microsoft.Extensions.AI.ReasoningEffort.None, Output = options.Reasoning?.Output };
    }

    private void Set<T>(ref T place, T value)
    {
        ThrowIfFrozen();
        place = value;
    }
}
