using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>Reads one complete tool call, in JSON or XML.</summary>
internal static class ToolCallParser
{
    private static readonly SearchValues<string> s_valueEnds = SearchValues.Create([OutputTags.Parameter, OutputTags.ParameterEnd], StringComparison.Ordinal);
    private static readonly JsonElement s_noArguments = JsonElement.Parse("{}");

    /// <summary>The call in the text between the tags, or null where it is not a whole and valid one.</summary>
    public static ParsedToolCall? Parse(ReadOnlySpan<char> body, IReadOnlyList<JsonElement> tools)
    {
        body = body.Trim();
        try
        {
            return body.StartsWith(OutputTags.Function) ? ParseXml(body, tools) : ParseJson(body.ToString());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // No JSON, or text that is no Unicode: a lone surrogate.
            return null;
        }
    }

    private static ParsedToolCall? ParseJson(string body)
    {
        var root = JsonElement.Parse(body);
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String) return null;
        if (!root.TryGetProperty("arguments", out var arguments) || arguments.ValueKind == JsonValueKind.Null) arguments = s_noArguments;
        if (arguments.ValueKind == JsonValueKind.String && TryParseObject(arguments.GetString()!) is { } inner) arguments = inner;
        if (arguments.ValueKind is not (JsonValueKind.Object or JsonValueKind.String)) return null;

        // An escaped lone surrogate shows itself only to a reader; better here than in the caller's code.
        PythonJson.Write(arguments);
        if (arguments.ValueKind == JsonValueKind.Object) arguments = WithoutRepeats(arguments);
        return name.GetString() is { Length: > 0 } text ? new ParsedToolCall(text, arguments) : null;
    }

    private static JsonElement? TryParseObject(string text)
    {
        try
        {
            return JsonElement.Parse(text) is { ValueKind: JsonValueKind.Object } value ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ParsedToolCall? ParseXml(ReadOnlySpan<char> body, IReadOnlyList<JsonElement> tools)
    {
        body = body[OutputTags.Function.Length..];
        var end = body.IndexOf(OutputTags.FunctionEnd);
        if (end < 0 || !TryReadName(ref body, ref end, out var name)) return null;

        var parameters = ToolSchema.ParametersOf(name, tools);
        var values = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        for (var rest = body[..end].Trim(); !rest.IsEmpty; rest = rest.TrimStart())
        {
            if (!rest.StartsWith(OutputTags.Parameter)) return null;
            rest = rest[OutputTags.Parameter.Length..];
            var length = rest.Length;
            if (!TryReadName(ref rest, ref length, out var key)) return null;
            var valueEnd = rest.IndexOfAny(s_valueEnds);
            if (valueEnd < 0) valueEnd = rest.Length;
            values[key] = ToolSchema.ToJson(rest[..valueEnd], ToolSchema.TypesOf(key, parameters));
            rest = rest[valueEnd..];
            if (rest.StartsWith(OutputTags.ParameterEnd)) rest = rest[OutputTags.ParameterEnd.Length..];
        }
        return new ParsedToolCall(name, ObjectOf(values));
    }

    // A model may give an argument twice, which no caller expects of an object; the last one counts.
    private static JsonElement WithoutRepeats(JsonElement arguments)
    {
        var values = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var argument in arguments.EnumerateObject()) values[argument.Name] = argument.Value.GetRawText();
        return values.Count == arguments.GetPropertyCount() ? arguments : ObjectOf(values);
    }

    private static JsonElement ObjectOf(OrderedDictionary<string, string> values)
    {
        var json = new StringBuilder("{").AppendJoin(", ", values.Select(pair => $"{PythonJson.Quote(pair.Key)}: {pair.Value}")).Append('}');
        return JsonElement.Parse(json.ToString());
    }

    // The characters up to '>', on one line. The end moves with the text.
    private static bool TryReadName(ref ReadOnlySpan<char> text, ref int end, out string name)
    {
        var length = text.IndexOfAny('>', '\n');
        name = length > 0 ? text[..length].ToString() : "";
        if (length <= 0 || length >= end || text[length] == '\n') return false;
        text = text[(length + 1)..];
        end -= length + 1;
        return true;
    }
}
