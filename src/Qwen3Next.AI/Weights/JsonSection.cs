using System.Globalization;
using System.Text.Json;

namespace Qwen3Next.AI.Weights;

/// <summary>A JSON object of a checkpoint file, read member by member with ranges, so that a bad value is reported by file, name and range.</summary>
internal sealed record JsonSection(string File, JsonElement Element)
{
    private const long LargestFile = 256L << 20; // the weight index of the largest models has about 10 MB

    /// <exception cref="CheckpointException">The file cannot be read, is not JSON or is no object.</exception>
    public static JsonSection Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LargestFile)
                throw new CheckpointException($"{file} is larger than {LargestFile} bytes; it cannot be a model's JSON file.");
            var bytes = System.IO.File.ReadAllBytes(file);
            RequireText(bytes);
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement.Clone();
            return root.ValueKind == JsonValueKind.Object
                ? new JsonSection(file, root)
                : throw new CheckpointException($"{file} must hold a JSON object, not {root.ValueKind}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{file} cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{file} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>The parser leaves escapes for half a character alone until a string is asked for; here they are found at once.</summary>
    private static void RequireText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
        }
    }

    /// <summary>A member that is present and not null.</summary>
    public bool TryGet(string name, out JsonElement value) => Element.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    public JsonSection? Object(string name) => !TryGet(name, out var value) ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonSection($"{File}: {name}", value)
        : throw Bad(name, value, "an object");

    public int Int(string name, int min, int max, int? fallback = null)
    {
        if (!TryGet(name, out var value)) return fallback ?? throw Missing(name);
        var range = $"a whole number from {min} to {max}";
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            && number == Math.Floor(number) && number >= min && number <= max // 2.0 and 1e3 are whole numbers too
            ? (int)number
            : throw Bad(name, value, range);
    }

    public double Number(string name, double above, double max, double? fallback = null) =>
        OptionalNumber(name, above, max) ?? fallback ?? throw Missing(name);

    /// <summary>A number above <paramref name="min"/>, or from it on when <paramref name="inclusive"/>, and at most <paramref name="max"/>.</summary>
    public double? OptionalNumber(string name, double min, double max, bool inclusive = false)
    {
        if (!TryGet(name, out var value)) return null;
        var number = value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
        return (inclusive ? number >= min : number > min) && number <= max
            ? number
            : throw Bad(name, value, string.Create(CultureInfo.InvariantCulture, $"a number {(inclusive ? "from" : "above")} {min}, at most {max}"));
    }

    public bool Flag(string name, bool fallback) => !TryGet(name, out var value) ? fallback : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Bad(name, value, "true or false"),
    };

    public string? Text(string name) => !TryGet(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Bad(name, value, "a string");

    /// <summary>A whole number or a list of them; empty when absent.</summary>
    public IReadOnlyList<int> Ints(string name, int min, int max)
    {
        if (!TryGet(name, out var value)) return [];
        var items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value };
        return Array.ConvertAll(items, item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) && number >= min && number <= max
                ? number
                : throw Bad(name, value, $"whole numbers from {min} to {max}"));
    }

    /// <summary>Refuses a setting that changes the arithmetic in a way that is not implemented.</summary>
    public void Require<T>(string name, T actual, T supported)
    {
        if (!EqualityComparer<T>.Default.Equals(actual, supported))
            throw new CheckpointException($"{File}: {name} is {Show(actual)}; only {Show(supported)} is supported.");
    }

    public CheckpointException Bad(string name, JsonElement value, string expected)
    {
        var text = value.GetRawText();
        return new CheckpointException($"{File}: {name} is {(text.Length > 80 ? text[..80] + "..." : text)}; it must be {expected}.");
    }

    private CheckpointException Missing(string name) => new($"{File}: {name} is missing.");

    private static string Show<T>(T value) => value switch
    {
        null => "absent",
        bool flag => flag ? "true" : "false",
        _ => $"\"{value}\"",
    };
}
