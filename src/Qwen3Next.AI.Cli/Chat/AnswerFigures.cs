using System.Globalization;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Chat;

/// <summary>Counts and speed of one answer, over all the model's turns when it called tools.</summary>
internal sealed class AnswerFigures
{
    private long _output, _decoded, _prompt, _cached, _acceptedDrafts, _rejectedDrafts;
    private double _decodeMilliseconds;

    public void Add(ChatResponseUpdate update)
    {
        foreach (var usage in update.Contents.OfType<UsageContent>().Select(u => u.Details))
        {
            var output = usage.OutputTokenCount ?? 0;
            _output += output;
            // The prompt of a later turn holds those of the earlier ones.
            (_prompt, _cached) = (usage.InputTokenCount ?? 0, usage.CachedInputTokenCount ?? 0);
            _acceptedDrafts += Count(usage, "OutputTokenDetails.AcceptedPredictionTokenCount");
            _rejectedDrafts += Count(usage, "OutputTokenDetails.RejectedPredictionTokenCount");
            if (update.AdditionalProperties?.TryGetValue("decode_ms", out double milliseconds) is not true) continue;
            // The first token of a turn comes with its prompt.
            _decoded += Math.Max(0, output - 1);
            _decodeMilliseconds += milliseconds;
        }
    }

    public override string ToString()
    {
        var speed = _decoded > 0 && _decodeMilliseconds > 0 ? $", {1000 * _decoded / _decodeMilliseconds:0} tokens/s" : "";
        var cached = _cached > 0 ? $", {_cached} cached" : "";
        var drafts = _acceptedDrafts + _rejectedDrafts;
        var accepted = drafts > 0 ? $", {100 * _acceptedDrafts / drafts} % of {drafts} drafts right" : "";
        return string.Create(CultureInfo.InvariantCulture, $"[{_output} tokens{speed}{accepted}; prompt {_prompt} tokens{cached}]");
    }

    private static long Count(UsageDetails usage, string name) => usage.AdditionalCounts?.TryGetValue(name, out var count) is true ? count : 0;
}
