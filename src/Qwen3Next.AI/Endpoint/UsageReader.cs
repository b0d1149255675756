using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Endpoint;

/// <summary>Token counts of an answer as servers write them.</summary>
internal static class UsageReader
{
    public static UsageDetails Read(JsonElement usage)
    {
        var (input, output) = (Count(usage, "prompt_tokens") ?? 0, Count(usage, "completion_tokens") ?? 0);
        return new UsageDetails
        {
            InputTokenCount = input,
            OutputTokenCount = output,
            TotalTokenCount = input + output,
            CachedInputTokenCount = Count(usage, "prompt_tokens_details", "cached_tokens"),
            // A part of the output, even where a server counts a token more.
            ReasoningTokenCount = (Count(usage, "completion_tokens_details", "reasoning_tokens") ?? Count(usage, "reasoning_tokens")) is { } reasoning ? Math.Min(reasoning, output) : null,
            AdditionalCounts = Drafts(usage),
        };
    }

    // OpenAI's names for guesses, by which this library's own server reports drafts.
    private static AdditionalPropertiesDictionary<long>? Drafts(JsonElement usage) =>
        Count(usage, "completion_tokens_details", "accepted_prediction_tokens") is not { } accepted ||
        Count(usage, "completion_tokens_details", "rejected_prediction_tokens") is not { } rejected ? null : new()
        {
            ["OutputTokenDetails.AcceptedPredictionTokenCount"] = accepted,
            ["OutputTokenDetails.RejectedPredictionTokenCount"] = rejected,
        };

    private static long? Count(JsonElement parent, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
            if (parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(name, out parent)) return null;
        return parent.ValueKind == JsonValueKind.Number && parent.TryGetInt64(out var count) ? count : null;
    }
}
