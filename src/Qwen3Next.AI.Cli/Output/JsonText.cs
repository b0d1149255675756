using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>JSON as the tool prints it: indented, letters of all languages as they are.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Object(Action<Utf8JsonWriter> writeMembers)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, s_options))
        {
            json.WriteStartObject();
            writeMembers(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length);
    }

    /// <summary>A rounded number; null where it could not be measured.</summary>
    public static void WriteMeasured(this Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) json.WriteNumber(name, Math.Round(number, 3));
        else json.WriteNull(name);
    }

    public static void WriteSpread(this Utf8JsonWriter json, string name, Spread? spread)
    {
        json.WriteStartObject(name);
        json.WriteMeasured("median", spread?.Median);
        json.WriteMeasured("least", spread?.Least);
        json.WriteMeasured("most", spread?.Most);
        json.WriteEndObject();
    }

    /// <summary>Token ids on one line.</summary>
    public static void WriteTokens(this Utf8JsonWriter json, string name, IEnumerable<int> tokens)
    {
        json.WritePropertyName(name);
        json.WriteRawValue($"[{string.Join(", ", tokens)}]");
    }
}
