using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>A schema within a document.</summary>
/// <param name="Value">An object, true or false.</param>
/// <param name="Pointer">Where it stands: a JSON pointer behind a number sign.</param>
internal readonly record struct SchemaNode(JsonElement Value, string Pointer)
{
    public bool Has(string keyword) => Value.ValueKind == JsonValueKind.Object && Value.TryGetProperty(keyword, out _);

    public JsonElement? Find(string keyword) => Value.ValueKind == JsonValueKind.Object && Value.TryGetProperty(keyword, out var value) ? value : null;

    /// <summary>A schema below a keyword; null where the keyword is absent.</summary>
    /// <exception cref="ArgumentException">It is no schema.</exception>
    public SchemaNode? Child(string keyword) => Find(keyword) is { } value ? At(value, $"{Pointer}/{keyword}") : null;

    /// <summary>The schemas of a list; none where the keyword is absent.</summary>
    public IReadOnlyList<SchemaNode> List(string keyword)
    {
        if (Find(keyword) is not { } list) return [];
        if (list.ValueKind != JsonValueKind.Array) throw Malformed(keyword, "a list of schemas");
        var pointer = Pointer;
        return [.. list.EnumerateArray().Select((value, i) => At(value, $"{pointer}/{keyword}/{i}"))];
    }

    /// <summary>The schemas of an object's members; none where the keyword is absent.</summary>
    public IReadOnlyList<KeyValuePair<string, SchemaNode>> Map(string keyword)
    {
        if (Find(keyword) is not { } map) return [];
        if (map.ValueKind != JsonValueKind.Object) throw Malformed(keyword, "an object of schemas");
        var pointer = Pointer;
        return [.. map.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, At(member.Value, $"{pointer}/{keyword}/{Escape(member.Name)}")))];
    }

    /// <summary>A count of 0 or more; null where the keyword is absent.</summary>
    public int? Count(string keyword)
    {
        if (Find(keyword) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var count) || count < 0 || count != Math.Floor(count)) throw Malformed(keyword, "a whole number of 0 or more");
        return (int)Math.Min(count, int.MaxValue);
    }

    public string? Text(string keyword) => Find(keyword) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Malformed(keyword, "a text"),
    };

    /// <summary>A text, or several.</summary>
    public IReadOnlyList<string> Texts(string keyword) => Find(keyword) switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
            [.. list.EnumerateArray().Select(item => item.GetString()!)],
        _ => throw Malformed(keyword, "a text or a list of texts"),
    };

    public ArgumentException Malformed(string keyword, string expected) =>
        new($"JSON schema keyword '{keyword}' at '{Pointer}' is {Find(keyword)?.GetRawText()}, expected {expected}. Correct the schema.");

    /// <param name="keyword">What cannot be enforced.</param>
    /// <param name="why">A sentence without its first words and its end.</param>
    /// <param name="remedy">What to do, without the end.</param>
    public NotSupportedException Refused(string keyword, string why, string remedy = "Remove it from the schema and check the answer instead") =>
        new($"JSON schema keyword '{keyword}' at '{Pointer}' {why}. {remedy}.");

    public static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <exception cref="ArgumentException">The value is no schema.</exception>
    public static SchemaNode At(JsonElement value, string pointer) => value.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
        ? new SchemaNode(value, pointer)
        : throw new ArgumentException($"The JSON schema at '{pointer}' is {value.GetRawText()}, expected an object, true or false. Correct the schema.");
}
