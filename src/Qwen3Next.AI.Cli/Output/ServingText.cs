using System.Globalization;
using System.Text;
using System.Text.Json;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>A serving suite's result as tables for people or as JSON.</summary>
internal static class ServingText
{
    public static string Table(ServingResult result)
    {
        var text = new StringBuilder();
        Line($"{result.Model}, {result.Device}; median (least to most) of {result.Runs} runs");
        if (result.Memory is { } memory)
        {
            Line($"free GPU memory: {Gb(memory.BeforeLoad)} before the load, {Gb(memory.Loaded)} loaded, {Gb(memory.Measured)} after measuring, {Gb(memory.Disposed)} after disposing");
            Line($"taken by the load: {Gb(memory.Taken)}; planned {Gb(memory.Planned)} ({memory.AbovePlan:+0.0 %;-0.0 %}), with measured workspace {Gb(memory.Planned + memory.Workspace)} ({memory.AboveWhole:+0.0 %;-0.0 %})");
        }
        if (result.State.Bytes > 0) Line($"a state: {result.State.Bytes / 1e6:0.00} MB, copied in {result.State.Time.TotalMilliseconds:0.000} ms");
        if (result.Streams.Count > 0) Line($"\nconversations, no drafts   tokens/s of all together       host's part of a step");
        foreach (var row in result.Streams)
            Line($"{row.Conversations,13}              {Text(row.TokensPerSecond),-28}   {(row.HostPart is { } part ? string.Create(CultureInfo.InvariantCulture, $"{part.TotalMicroseconds:0.0} us") : "-")}");
        if (result.Turns.Count > 0) Line($"\nfirst token, ms   of turn 1, of so many tokens   of turn 2                      cached tokens of turn 2");
        foreach (var row in result.Turns)
            Line($"{row.Tokens,15:#,0}   {Text(row.First),-28}   {Text(row.Second),-28}   {row.CachedTokens:#,0} of {row.SecondTokens:#,0}{(row.CachedTokens < row.Tokens ? ", MISSED" : "")}");
        if (result.Drafts.Count > 0) Line($"\nconversations   drafts    acceptance    tokens/s of all together       to none   right");
        foreach (var row in result.Drafts)
            Line($"{row.Conversations,13}   {Drafts(row),-7}   {Acceptance(row),-11}   {Text(row.TokensPerSecond),-28}   {ToNone(result, row),7:0.00}   {(row.Guessed > 0 ? string.Create(CultureInfo.InvariantCulture, $"{row.Right / (double)row.Guessed:0.00} of {row.Guessed:#,0}") : "-")}");
        if (result.Drafts.Count > 0) Line($"FORCED: that share of drafts is taken for right whatever the model says; the text is meaningless.");
        return text.ToString().TrimEnd();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
    }

    public static string Json(ServingResult result) => JsonText.Object(json =>
    {
        json.WriteString("model", result.Model);
        json.WriteString("device", result.Device);
        json.WriteNumber("runs", result.Runs);
        json.WriteStartObject("state");
        json.WriteNumber("bytes", result.State.Bytes);
        json.WriteMeasured("copy_milliseconds", result.State.Time.TotalMilliseconds);
        json.WriteEndObject();
        if (result.Memory is { } memory)
        {
            json.WriteStartObject("memory_bytes");
            json.WriteNumber("free_before_load", memory.BeforeLoad);
            json.WriteNumber("free_loaded", memory.Loaded);
            json.WriteNumber("free_after_measuring", memory.Measured);
            json.WriteNumber("free_after_disposing", memory.Disposed);
            json.WriteNumber("planned", memory.Planned);
            json.WriteNumber("measured_workspace", memory.Workspace);
            json.WriteEndObject();
        }
        json.WriteArray("streams", result.Streams, row =>
        {
            json.WriteNumber("conversations", row.Conversations);
            json.WriteSpread("tokens_per_second", row.TokensPerSecond);
            json.WriteMeasured("host_microseconds_per_step", row.HostPart?.TotalMicroseconds);
        });
        json.WriteArray("turns", result.Turns, row =>
        {
            json.WriteNumber("tokens", row.Tokens);
            json.WriteSpread("first_token_milliseconds", row.First);
            json.WriteSpread("second_turn_first_token_milliseconds", row.Second);
            json.WriteNumber("second_turn_tokens", row.SecondTokens);
            json.WriteNumber("second_turn_cached_tokens", row.CachedTokens);
        });
        json.WriteArray("drafts", result.Drafts, row =>
        {
            json.WriteNumber("conversations", row.Conversations);
            json.WriteString("drafts", Drafts(row));
            json.WriteMeasured("forced_acceptance", row.ForcedAcceptance);
            json.WriteSpread("tokens_per_second", row.TokensPerSecond);
            json.WriteNumber("guessed", row.Guessed);
            json.WriteNumber("right", row.Right);
        });
    });

    private static void WriteArray<T>(this Utf8JsonWriter json, string name, IEnumerable<T> rows, Action<T> writeMembers)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            writeMembers(row);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string Drafts(DraftRow row) => row.Drafts switch { null => "default", 0 => "none", { } count => count.ToString(CultureInfo.InvariantCulture) };

    private static string Acceptance(DraftRow row) => row switch
    {
        { ForcedAcceptance: { } share } => string.Create(CultureInfo.InvariantCulture, $"FORCED {share}"),
        { Drafts: 0 } => "-",
        _ => "verified",
    };

    private static double? ToNone(ServingResult result, DraftRow row) =>
        row.TokensPerSecond?.Median / result.Drafts.First(other => other.Conversations == row.Conversations && other.Drafts == 0).TokensPerSecond?.Median;

    private static string Text(Spread? spread) => spread?.ToString() ?? "-";

    private static string Gb(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB");
}
