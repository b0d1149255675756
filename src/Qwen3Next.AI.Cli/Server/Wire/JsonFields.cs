using System.Globalization;
using System.Text.Json;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>An object of a request, read member by member. What nobody has read in the end is refused by name; a member that is null counts as absent.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> _left = [];
    private readonly string _path;

    /// <param name="json">The object.</param>
    /// <param name="path">Where it stands in the request; "" for the request itself.</param>
    public JsonFields(JsonElement json, string path)
    {
        _path = path;
        if (json.ValueKind != JsonValueKind.Object) throw Wrong(path.Length > 0 ? path : "The body", json, "an object");
        foreach (var member in json.EnumerateObject())
            if (member.Value.ValueKind != JsonValueKind.Null) _left[member.Name] = member.Value;
    }

    public string PathOf(string name) => _path.Length > 0 ? $"{_path}.{name}" : name;

    /// <summary>A member of any kind.</summary>
    public JsonElement? Any(string name) => _left.Remove(name, out var value) ? value : null;

    public string? Text(string name) => Any(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } other => throw Wrong(PathOf(name), other, "text"),
    };

    public string RequiredText(string name) => Text(name) ?? throw Missing(name, "text");

    public bool? Flag(string name) => Any(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw Wrong(PathOf(name), other, "true or false"),
    };

    public float? Number(string name, float least, float most, bool above = false)
    {
        if (Any(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && number >= least && number <= most && !(above && number == least))
            return number;
        var range = string.Create(CultureInfo.InvariantCulture, $"a number {(above ? "above" : "from")} {least} {(above ? "up " : "")}to {most}");
        throw Wrong(PathOf(name), value, range);
    }

    public long? Whole(string name, long least, long most)
    {
        if (Any(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= most) return number;
        throw Wrong(PathOf(name), value, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"));
    }

    public int? Whole(string name, int least, int most) => (int?)Whole(name, (long)least, most);

    public JsonFields? Object(string name) => Any(name) is { } value ? new JsonFields(value, PathOf(name)) : null;

    public JsonFields RequiredObject(string name) => Object(name) ?? throw Missing(name, "an object");

    /// <summary>The items of an array with their paths; none where it is absent.</summary>
    public IReadOnlyList<(JsonElement Item, string Path)> Items(string name, int most)
    {
        if (Any(name) is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(PathOf(name), value, "an array");
        if (value.GetArrayLength() > most) throw ApiException.Bad($"{PathOf(name)} has {value.GetArrayLength()} items; {most} are the limit. Send fewer.", PathOf(name));
        return [.. value.EnumerateArray().Select((item, i) => (item, $"{PathOf(name)}[{i}]"))];
    }

    /// <summary>Members that mean something to others and nothing to a model in this process.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (var name in names) _left.Remove(name);
    }

    /// <exception cref="ApiException">Something is left; the first name is told.</exception>
    public void RefuseRest()
    {
        if (_left.Count == 0) return;
        var path = PathOf(_left.Keys.First());
        throw ApiException.Bad($"{path} is not supported. Leave it out; docs/server.md lists what is.", path, "unsupported_parameter");
    }

    public ApiException Missing(string name, string wanted) =>
        ApiException.Bad($"{PathOf(name)} is missing; it must be {wanted}.", PathOf(name), "missing_required_parameter");

    /// <summary>A member whose text is none of those that may stand there.</summary>
    public ApiException Wrong(string name, string text, string remedy) => ApiException.Bad($"{PathOf(name)} is '{text}'; {remedy}.", PathOf(name), "invalid_value");

    public static ApiException Wrong(string path, JsonElement found, string wanted)
    {
        var raw = found.GetRawText();
        return ApiException.Bad($"{path} is {(raw.Length <= 60 ? raw : raw[..60] + "...")}; it must be {wanted}.", path, "invalid_value");
    }
}
