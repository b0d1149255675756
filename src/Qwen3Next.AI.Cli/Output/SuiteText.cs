using System.Globalization;
using System.Text;
using System.Text.Json;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>A suite's result as a table for people or as JSON.</summary>
internal static class SuiteText
{
    public static string Table(SuiteResult result)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{result.Model}, {result.Device}, reads {result.ReadRate / 1e9:#,0} GB/s at best");
        text.AppendLine(CultureInfo.InvariantCulture, $"start: {string.Join(", ", result.StartUp.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Part} {p.Seconds:0.00} s")))}");
        text.AppendLine();
        text.AppendLine("             tokens  conversations         ms    tokens/s       GB/s  of limit   TFLOP/s  of limit");
        foreach (var row in result.Rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{row.Kind,-12}{row.Tokens,7:#,0}  {row.Conversations,13}  {row.Milliseconds,9:#,0.00}  {row.TokensPerSecond,10:#,0.0}  {Number(row.ByteRate / 1e9),9}  {Percent(row.ByteRate / result.ReadRate),8}  {Number(row.OperationRate / 1e12),8}  {Percent(row.OperationRate / result.PeakOperations),8}");
        }
        Families("One decoding step", result.DecodeStep);
        Families("One step that reads a prompt", result.PrefillStep);
        return text.ToString().TrimEnd();

        void Families(string title, IReadOnlyList<Qwen3NextOpTime> step)
        {
            text.AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"{title}, operation by operation: {step.Sum(f => f.Time.TotalMilliseconds):#,0.000} ms");
            foreach (var f in step)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"  {f.Family,-12}{f.Calls,5} calls  {f.Time.TotalMilliseconds,9:#,0.000} ms  {f.Bytes / f.Time.TotalSeconds / 1e9,8:#,0.0} GB/s  {Number(f.Operations / f.Time.TotalSeconds / 1e12),7} TFLOP/s");
            }
        }
    }

    public static string Json(SuiteResult result) => JsonText.Object(json =>
    {
        json.WriteString("model", result.Model);
        json.WriteString("device", result.Device);
        json.WriteMeasured("read_bytes_per_second", result.ReadRate);
        json.WriteMeasured("peak_operations_per_second", result.PeakOperations);
        json.WriteStartObject("start_up_seconds");
        foreach (var (part, seconds) in result.StartUp) json.WriteMeasured(part, seconds);
        json.WriteEndObject();
        json.WriteStartArray("rows");
        foreach (var row in result.Rows)
        {
            json.WriteStartObject();
            json.WriteString("kind", row.Kind);
            json.WriteNumber("tokens", row.Tokens);
            json.WriteNumber("conversations", row.Conversations);
            json.WriteMeasured("milliseconds", row.Milliseconds);
            json.WriteMeasured("tokens_per_second", row.TokensPerSecond);
            json.WriteMeasured("bytes", row.Bytes);
            json.WriteMeasured("share_of_read_rate", row.ByteRate / result.ReadRate);
            json.WriteMeasured("operations", row.Operations);
            json.WriteMeasured("share_of_peak_operations", row.OperationRate / result.PeakOperations);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        Families(json, "decode_step", result.DecodeStep);
        Families(json, "prefill_step", result.PrefillStep);
    });

    private static void Families(Utf8JsonWriter json, string name, IReadOnlyList<Qwen3NextOpTime> step)
    {
        json.WriteStartArray(name);
        foreach (var family in step)
        {
            json.WriteStartObject();
            json.WriteString("family", family.Family);
            json.WriteNumber("calls", family.Calls);
            json.WriteMeasured("milliseconds", family.Time.TotalMilliseconds);
            json.WriteMeasured("bytes", family.Bytes);
            json.WriteMeasured("operations", family.Operations);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string Number(double? value) => value is { } number && double.IsFinite(number) ? number.ToString(number < 1 ? "0.000" : "#,0.0", CultureInfo.InvariantCulture) : "-";

    private static string Percent(double? share) => share is { } number && double.IsFinite(number) ? number.ToString("0.0 %", CultureInfo.InvariantCulture) : "-";
}
