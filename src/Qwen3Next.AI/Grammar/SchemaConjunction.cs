using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>Kinds of JSON values. A number is either of two.</summary>
[Flags]
internal enum JsonKinds
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    Number = Integer | Fraction,
    String = 16,
    Array = 32,
    Object = 64,
    All = Null | Boolean | Number | String | Array | Object,
}

/// <summary>Schemas that must all hold, without references and combinations: what they say together.</summary>
internal sealed class SchemaConjunction
{
    private static readonly string[] s_objects = ["properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"];
    private static readonly string[] s_arrays = ["items", "prefixItems", "additionalItems", "minItems", "maxItems"];
    private static readonly string[] s_strings = ["minLength", "maxLength", "pattern", "format", "contentEncoding"];
    private static readonly string[] s_numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

    public SchemaConjunction(IReadOnlyList<SchemaNode> nodes)
    {
        Nodes = nodes;
        Values = FindValues();
        Kinds = FindKinds();
    }

    public IReadOnlyList<SchemaNode> Nodes { get; }

    /// <summary>The kinds that all allow. Where none names a type or a value, the kinds that their keywords speak of.</summary>
    public JsonKinds Kinds { get; }

    /// <summary>The values that all allow; null where none names values.</summary>
    public IReadOnlyList<JsonElement>? Values { get; }

    /// <summary>Some schema restricts objects or arrays by more than their type.</summary>
    public bool HasStructure => Speaks(s_objects) || Speaks(s_arrays);

    /// <summary>No value matches both, as types, values or the values of a required property show.</summary>
    public bool ExcludesByTypeOrValue(SchemaConjunction other)
    {
        if ((Kinds & other.Kinds) == 0) return true;
        if (Values is not null && other.Values is not null && !Values.Any(value => Contains(other.Values, value))) return true;
        return RequiredValues().Any(mine => other.RequiredValues().Any(theirs => mine.Name == theirs.Name && !mine.Values.Any(value => Contains(theirs.Values, value))));
    }

    public static JsonKinds KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonKinds.Null,
        JsonValueKind.True or JsonValueKind.False => JsonKinds.Boolean,
        JsonValueKind.Number => value.TryGetDouble(out var number) && number == Math.Floor(number) ? JsonKinds.Integer : JsonKinds.Fraction,
        JsonValueKind.String => JsonKinds.String,
        JsonValueKind.Array => JsonKinds.Array,
        _ => JsonKinds.Object,
    };

    public static bool Contains(IEnumerable<JsonElement> values, JsonElement value) => values.Any(other => JsonElement.DeepEquals(other, value));

    private IReadOnlyList<JsonElement>? FindValues()
    {
        List<JsonElement>? values = null;
        foreach (var node in Nodes)
        {
            if (node.Find("enum") is { } list)
            {
                if (list.ValueKind != JsonValueKind.Array) throw node.Malformed("enum", "a list of values");
                var listed = list.EnumerateArray().ToList();
                values = values is null ? listed : values.FindAll(value => Contains(listed, value));
            }
            if (node.Find("const") is { } single) values = values is null ? [single] : values.FindAll(value => JsonElement.DeepEquals(single, value));
        }
        return values;
    }

    private JsonKinds FindKinds()
    {
        var kinds = JsonKinds.All;
        foreach (var node in Nodes)
        {
            if (node.Has("type")) kinds &= node.Texts("type").Aggregate(JsonKinds.None, (all, name) => all | KindOf(node, name));
            if (node.Child("not") is { } not) kinds &= ~Excluded(node, not);
        }
        if (Values is not null || Nodes.Any(node => node.Has("type"))) return kinds;
        var spoken = (Speaks(s_objects) ? JsonKinds.Object : 0) | (Speaks(s_arrays) ? JsonKinds.Array : 0)
            | (Speaks(s_strings) ? JsonKinds.String : 0) | (Speaks(s_numbers) ? JsonKinds.Number : 0);
        return spoken == 0 ? kinds : kinds & spoken;
    }

    private static JsonKinds KindOf(SchemaNode node, string name) => name switch
    {
        "null" => JsonKinds.Null,
        "boolean" => JsonKinds.Boolean,
        "integer" => JsonKinds.Integer,
        "number" => JsonKinds.Number,
        "string" => JsonKinds.String,
        "array" => JsonKinds.Array,
        "object" => JsonKinds.Object,
        _ => throw node.Malformed("type", "names of JSON types"),
    };

    // What "not" takes away as a whole. Values that it excludes one by one are read where values are written.
    private static JsonKinds Excluded(SchemaNode node, SchemaNode not)
    {
        if (not.Value.ValueKind == JsonValueKind.False) return JsonKinds.None;
        if (not.Value.ValueKind == JsonValueKind.True || !not.Value.EnumerateObject().Any()) return JsonKinds.All;
        var keywords = not.Value.EnumerateObject().Select(member => member.Name).ToList();
        if (keywords is ["type"]) return not.Texts("type").Aggregate(JsonKinds.None, (all, name) => all | KindOf(not, name));
        if (keywords is ["enum"] or ["const"]) return JsonKinds.None;
        throw node.Refused("not", "can be enforced for a type, an enum, a const or an empty schema only", "State what is allowed instead");
    }

    private bool Speaks(string[] keywords) => Nodes.Any(node => Array.Exists(keywords, node.Has));

    private IEnumerable<(string Name, IReadOnlyList<JsonElement> Values)> RequiredValues()
    {
        if (Kinds != JsonKinds.Object) return [];
        var required = Nodes.SelectMany(node => node.Texts("required")).ToHashSet();
        return Nodes.SelectMany(node => node.Map("properties")).Where(property => required.Contains(property.Key))
            .Select(property => (property.Key, new SchemaConjunction([property.Value]).Values!)).Where(property => property.Item2 is not null);
    }
}
