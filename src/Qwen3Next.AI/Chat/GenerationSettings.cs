using Microsoft.Extensions.AI;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Chat;

/// <summary>Merges the places where a generation's values can be set: raw options over chat options over the model's defaults.</summary>
internal static class GenerationSettings
{
    public static Qwen3NextGenerationOptions Merge(ChatOptions? options, Qwen3NextGenerationOptions? raw, Qwen3NextGenerationOptions defaults)
    {
        var more = new AdditionalProperties(options?.AdditionalProperties);
        var merged = new Qwen3NextGenerationOptions
        {
            Temperature = raw?.Temperature ?? options?.Temperature ?? defaults.Temperature,
            TopK = raw?.TopK ?? options?.TopK ?? defaults.TopK,
            TopP = raw?.TopP ?? options?.TopP ?? defaults.TopP,
            MinP = raw?.MinP ?? more.Number("min_p") ?? defaults.MinP,
            RepetitionPenalty = raw?.RepetitionPenalty ?? more.Number("repetition_penalty") ?? defaults.RepetitionPenalty,
            FrequencyPenalty = raw?.FrequencyPenalty ?? options?.FrequencyPenalty ?? defaults.FrequencyPenalty,
            PresencePenalty = raw?.PresencePenalty ?? options?.PresencePenalty ?? defaults.PresencePenalty,
            LogitBias = raw?.LogitBias ?? more.LogitBias("logit_bias") ?? defaults.LogitBias,
            Seed = raw?.Seed ?? options?.Seed ?? defaults.Seed,
            StopSequences = raw?.StopSequences ?? options?.StopSequences ?? defaults.StopSequences,
            MaxOutputTokens = raw?.MaxOutputTokens ?? options?.MaxOutputTokens ?? defaults.MaxOutputTokens,
            ThinkingBudget = raw?.ThinkingBudget ?? more.Count("thinking_budget") ?? defaults.ThinkingBudget,
            Pattern = raw?.Pattern ?? defaults.Pattern,
            EnableThinking = raw?.EnableThinking ?? more.Flag("enable_thinking") ?? Thinks(options?.Reasoning?.Effort) ?? defaults.EnableThinking,
        };
        if (merged.MaxOutputTokens < 1)
            throw new ArgumentOutOfRangeException(nameof(options), merged.MaxOutputTokens, "MaxOutputTokens must be 1 or more; leave it null for the model's default.");
        if (merged.ThinkingBudget < 0)
            throw new ArgumentOutOfRangeException(nameof(options), merged.ThinkingBudget, "ThinkingBudget must be 0 or more; leave it null for no limit.");
        if (merged.StopSequences?.Any(string.IsNullOrEmpty) is true)
            throw new ArgumentException("StopSequences holds an empty text, which would end every answer at once. Remove it.", nameof(options));
        return merged;
    }

    public static SamplingParameters Sampling(Qwen3NextGenerationOptions settings)
    {
        var sampling = new SamplingParameters
        {
            Temperature = settings.Temperature ?? SamplingParameters.Greedy.Temperature,
            TopK = settings.TopK ?? SamplingParameters.Greedy.TopK,
            TopP = settings.TopP ?? SamplingParameters.Greedy.TopP,
            MinP = settings.MinP ?? SamplingParameters.Greedy.MinP,
            RepetitionPenalty = settings.RepetitionPenalty ?? SamplingParameters.Greedy.RepetitionPenalty,
            FrequencyPenalty = settings.FrequencyPenalty ?? SamplingParameters.Greedy.FrequencyPenalty,
            PresencePenalty = settings.PresencePenalty ?? SamplingParameters.Greedy.PresencePenalty,
            LogitBias = settings.LogitBias?.AsReadOnly(),
            Seed = settings.Seed,
        };
        sampling.Validate();
        return sampling;
    }

    private static bool? Thinks(ReasoningEffort? effort) => effort is null ? null : effort != ReasoningEffort.None;
}
