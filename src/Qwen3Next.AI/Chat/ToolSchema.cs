using System.Globalization;
using System.Text.Json;
using Qwen3Next.AI.Grammar;

namespace Qwen3Next.AI.Chat;

/// <summary>Gives the values of XML calls, which are bare text, the types that the tool's JSON schema declares.</summary>
internal static class ToolSchema
{
    // Integers beyond this lose digits as a double; they are printed as such then.
    private const double LargestExactInteger = 1L << 53;

    /// <summary>The schema of a function's parameters; null where the tool or its schema is unknown.</summary>
    public static JsonElement? ParametersOf(string name, IReadOnlyList<JsonElement> tools)
    {
        foreach (var tool in tools)
        {
            var function = tool.TryGetProperty("function", out var inner) ? inner : tool;
            if (function.TryGetProperty("name", out var found) && found.ValueKind == JsonValueKind.String && found.ValueEquals(name)
                && function.TryGetProperty("parameters", out var schema) && schema.ValueKind == JsonValueKind.Object)
            {
                return schema;
            }
        }
        return null;
    }

    /// <summary>The types that a parameter may have, in its schema's order; none where it says nothing.</summary>
    /// <param name="parameter">Name of the parameter.</param>
    /// <param name="parameters">The schema of all parameters, into which references point.</param>
    public static List<string> TypesOf(string parameter, JsonElement? parameters)
    {
        var types = new List<string>();
        if (parameters is { } document && document.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(parameter, out var schema)) AddTypes(schema, document, types, []);
        return types;
    }

    /// <summary>A value as JSON text: null first, then the declared types from the most to the least specific, then a string.</summary>
    /// <param name="raw">The text between the tags, of which one line break at each end belongs to the tags.</param>
    /// <param name="types">The allowed types. Where a string comes first, it stays a string.</param>
    public static string ToJson(ReadOnlySpan<char> raw, IReadOnlyList<string> types)
    {
        if (raw.StartsWith("\n")) raw = raw[1..];
        if (raw.EndsWith("\n")) raw = raw[..^1];
        var text = raw.Trim().ToString();
        if (text.Equals("null", StringComparison.OrdinalIgnoreCase)) return "null";
        if (types.FirstOrDefault(type => type != "null") is null or "string") return PythonJson.Quote(raw);

        if (types.Any(type => type is "boolean" or "bool") && Boolean(text) is { } boolean) return boolean;
        if (types.Any(type => type is "integer" or "int") && Integer(text) is { } integer) return integer;
        if (types.Any(type => type is "number" or "float" or "double") && Number(text) is { } number) return number;
        if (types.Contains("array") && IsJson(text, JsonValueKind.Array)) return text;
        if (types.Contains("object") && IsJson(text, JsonValueKind.Object)) return text;
        return types is ["boolean"] ? "false" : PythonJson.Quote(raw);
    }

    private static void AddTypes(JsonElement schema, JsonElement document, List<string> types, HashSet<string> followed)
    {
        if (schema.ValueKind != JsonValueKind.Object) return;
        if (schema.TryGetProperty("type", out var type))
        {
            if (type.ValueKind == JsonValueKind.String) types.Add(type.GetString()!);
            if (type.ValueKind == JsonValueKind.Array) types.AddRange(type.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!));
            return;
        }
        foreach (var union in new[] { "anyOf", "oneOf" })
        {
            if (!schema.TryGetProperty(union, out var options) || options.ValueKind != JsonValueKind.Array) continue;
            foreach (var option in options.EnumerateArray()) AddTypes(option, document, types, followed);
        }
        if (types.Count == 0 && schema.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String
            && SchemaPointer.IsLocal(reference.GetString()!) && followed.Add(reference.GetString()!) && SchemaPointer.Resolve(document, reference.GetString()!) is { } target)
        {
            AddTypes(target, document, types, followed);
        }
        if (types.Count == 0 && schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array)
        {
            types.AddRange(values.EnumerateArray().Select(TypeOf).Distinct());
        }
    }

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => "number",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        JsonValueKind.Null => "null",
        _ => "string",
    };

    private static string? Boolean(string text) => text.ToUpperInvariant() switch { "TRUE" => "true", "FALSE" => "false", _ => null };

    private static string? Integer(string text)
    {
        var digits = text.AsSpan(text.StartsWith('-') || text.StartsWith('+') ? 1 : 0);
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9')) return null;
        digits = digits.TrimStart('0');
        return digits.IsEmpty ? "0" : $"{(text[0] == '-' ? "-" : "")}{digits}";
    }

    private static string? Number(string text)
    {
        if (Integer(text) is { } integer) return integer;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value)) return null;
        return value == Math.Truncate(value) && Math.Abs(value) <= LargestExactInteger
            ? ((long)value).ToString(CultureInfo.InvariantCulture)
            : value.ToString("R", CultureInfo.InvariantCulture);
    }

    private static bool IsJson(string text, JsonValueKind kind)
    {
        try
        {
            return JsonElement.Parse(text).ValueKind == kind;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
