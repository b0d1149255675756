using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>Token counts of a request.</summary>
internal sealed record Usage(long PromptTokens, long? CompletionTokens, long TotalTokens)
{
    public PromptDetails? PromptTokensDetails { get; init; }

    public CompletionDetails? CompletionTokensDetails { get; init; }

    public static Usage? Of(UsageDetails? usage) => usage is null ? null : new Usage(usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0, usage.TotalTokenCount ?? 0)
    {
        PromptTokensDetails = new PromptDetails(usage.CachedInputTokenCount ?? 0),
        CompletionTokensDetails = new CompletionDetails(usage.ReasoningTokenCount ?? 0, Count(usage, "OutputTokenDetails.AcceptedPredictionTokenCount"),
            Count(usage, "OutputTokenDetails.RejectedPredictionTokenCount")),
    };

    private static long? Count(UsageDetails usage, string name) => usage.AdditionalCounts?.TryGetValue(name, out var count) is true ? count : null;
}

internal sealed record PromptDetails(long CachedTokens);

/// <param name="ReasoningTokens">Part of the completion's.</param>
/// <param name="AcceptedPredictionTokens">Tokens that the model's own guesses got right; null where it made none, or nobody counted.</param>
/// <param name="RejectedPredictionTokens">Guesses that were dropped; they are not part of the completion.</param>
internal sealed record CompletionDetails(long ReasoningTokens, long? AcceptedPredictionTokens, long? RejectedPredictionTokens);

/// <summary>Where the time went, in milliseconds; decoding begins with the first token.</summary>
internal sealed record Timings(double QueueMs, double PrefillMs, double DecodeMs)
{
    public static Timings? Of(AdditionalPropertiesDictionary? properties) =>
        properties is not null && properties.TryGetValue("queue_ms", out double queue) && properties.TryGetValue("prefill_ms", out double prefill) &&
        properties.TryGetValue("decode_ms", out double decode) ? new Timings(queue, prefill, decode) : null;
}
