using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// JSON schemas as grammars: every text of the grammar is a JSON text that satisfies the schema. Where a schema leaves more open than a generated
/// text needs, the grammar takes the narrower reading: properties come in the order of their declaration, and properties that are not declared
/// come only where nothing is declared or <c>additionalProperties</c> asks for them. What cannot be enforced is refused by its name.
/// </summary>
internal sealed class JsonSchemaGrammar
{
    private readonly JsonGraph _json;
    private readonly SchemaExpansion _expansion;
    private readonly SchemaStrings _strings;
    private readonly Dictionary<string, GrammarRule> _rules = new(StringComparer.Ordinal);
    private readonly Queue<(GrammarRule Rule, IReadOnlyCollection<SchemaNode> Schemas)> _unfinished = new();
    private readonly JsonElement _document;
    private bool _finishing;

    /// <param name="json">What is extended.</param>
    /// <param name="document">The whole schema; references are pointers into it.</param>
    public JsonSchemaGrammar(JsonGraph json, JsonElement document)
    {
        (_json, _document) = (json, document);
        _expansion = new SchemaExpansion(document);
        _strings = new SchemaStrings(json);
    }

    private GrammarGraph Graph => _json.Graph;

    /// <summary>The rule of the document's values.</summary>
    /// <exception cref="NotSupportedException">A keyword cannot be enforced; the message names it and its place.</exception>
    /// <exception cref="ArgumentException">The document is no schema.</exception>
    public GrammarRule Root() => RuleOf([SchemaNode.At(_document, "#")]);

    /// <summary>The rule of the values that satisfy all schemas; one for equal sets, so that recursion ends.</summary>
    public GrammarRule RuleOf(IReadOnlyCollection<SchemaNode> schemas)
    {
        var key = string.Join('\n', schemas.Select(schema => schema.Pointer).Distinct().Order(StringComparer.Ordinal));
        if (_rules.TryGetValue(key, out var known)) return known;
        var rule = _rules[key] = Graph.Rule();
        _unfinished.Enqueue((rule, schemas));
        Finish();
        return rule;
    }

    // One after the other and not within each other, so that a long chain of references needs no deep stack.
    private void Finish()
    {
        if (_finishing) return;
        _finishing = true;
        while (_unfinished.TryDequeue(out var next))
        {
            foreach (var alternative in _expansion.Expand(next.Schemas)) Add(next.Rule, new SchemaConjunction(alternative));
        }
        _finishing = false;
    }

    /// <summary>All strings but some, so that a property does not come twice.</summary>
    public GrammarRule NamesExcept(IEnumerable<string> names) => _strings.Except(names);

    /// <summary>The strings of a schema without quotes and escapes.</summary>
    /// <param name="from">Where they begin.</param>
    /// <param name="schema">May allow null too, which is then a word.</param>
    /// <param name="forbidden">Words that must not occur in them.</param>
    /// <param name="to">Where they end.</param>
    public void AddBareStrings(int from, SchemaNode schema, string[] forbidden, int to)
    {
        foreach (var alternative in _expansion.Expand([schema]))
        {
            var conjunction = new SchemaConjunction(alternative);
            if (conjunction.Values is { } values)
            {
                foreach (var text in values.Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!))
                {
                    if (SchemaStrings.Allows(conjunction, text) && !Array.Exists(forbidden, word => text.Contains(word, StringComparison.Ordinal)))
                        Graph.Empty(Graph.Literal(from, text), to);
                }
            }
            else if (conjunction.Kinds.HasFlag(JsonKinds.String))
            {
                SchemaStrings.AddBare(Graph, conjunction, from, forbidden, to);
            }
            if (conjunction.Kinds.HasFlag(JsonKinds.Null) && conjunction.Kinds != JsonKinds.All) Graph.Empty(Graph.Literal(from, "null"), to);
        }
    }

    private void Add(GrammarRule rule, SchemaConjunction schema)
    {
        if (schema.Values is { } values)
        {
            AddValues(rule, schema, values);
            return;
        }
        var kinds = schema.Kinds;
        if (kinds == JsonKinds.All && !schema.HasStructure)
        {
            Graph.Call(rule.Start, _json.AnyValue, rule.End);
            return;
        }
        if (kinds.HasFlag(JsonKinds.Null)) Graph.Empty(Graph.Literal(rule.Start, "null"), rule.End);
        if (kinds.HasFlag(JsonKinds.Boolean)) foreach (var word in (string[])["true", "false"]) Graph.Empty(Graph.Literal(rule.Start, word), rule.End);
        if ((kinds & JsonKinds.Number) != 0) AddNumber(rule, schema);
        if (kinds.HasFlag(JsonKinds.String)) Graph.Call(rule.Start, _strings.RuleOf(schema), rule.End);
        if (kinds.HasFlag(JsonKinds.Array)) Graph.Empty(new ArraySchema(_json, this, schema).Add(rule.Start), rule.End);
        if (kinds.HasFlag(JsonKinds.Object)) Graph.Empty(new ObjectSchema(_json, this, schema).Add(rule.Start), rule.End);
    }

    private void AddValues(GrammarRule rule, SchemaConjunction schema, IReadOnlyList<JsonElement> values)
    {
        var excluded = Excluded(schema);
        foreach (var value in values)
        {
            var kind = SchemaConjunction.KindOf(value);
            if (!schema.Kinds.HasFlag(kind) || SchemaConjunction.Contains(excluded, value)) continue;
            if (kind is JsonKinds.Array or JsonKinds.Object && schema.HasStructure)
                throw schema.Nodes[0].Refused("enum", "or const has objects or lists beside keywords that restrict them too", "Leave the values or the other keywords");
            if (kind == JsonKinds.String && !SchemaStrings.Allows(schema, value.GetString()!)) continue;
            if ((kind & JsonKinds.Number) != 0 && !RangeOf(schema).Contains(NumberRange.Parse(value.GetRawText()))) continue;
            Graph.Empty(_json.Constant(rule.Start, value), rule.End);
        }
    }

    /// <summary>Values that a schema names in <c>not</c>.</summary>
    public static List<JsonElement> Excluded(SchemaConjunction schema) =>
        [.. schema.Nodes.Select(node => node.Child("not")).Where(not => not is not null).SelectMany(not => new SchemaConjunction([not!.Value]).Values ?? [])];

    private void AddNumber(GrammarRule rule, SchemaConjunction schema)
    {
        if (Excluded(schema).Exists(value => value.ValueKind == JsonValueKind.Number))
            throw schema.Nodes[0].Refused("not", "excludes single numbers", "Use minimum, maximum or an enum of the allowed numbers");
        if (!schema.Kinds.HasFlag(JsonKinds.Integer)) throw schema.Nodes[0].Refused("not", "excludes integers from numbers", "Allow integers");
        var range = RangeOf(schema);
        if (range.IsAll && schema.Kinds.HasFlag(JsonKinds.Fraction)) JsonNumber.Add(Graph, rule.Start, rule.End);
        else JsonNumber.AddRange(Graph, rule.Start, range, integer: !schema.Kinds.HasFlag(JsonKinds.Fraction), rule.End);
    }

    private static NumberRange RangeOf(SchemaConjunction schema)
    {
        var range = NumberRange.All;
        foreach (var node in schema.Nodes)
        {
            // Older drafts have true in the exclusive keywords, newer ones the limit.
            if (Limit(node, "minimum") is { } minimum) range = range.From(minimum, node.Find("exclusiveMinimum") is { ValueKind: JsonValueKind.True });
            if (Limit(node, "maximum") is { } maximum) range = range.UpTo(maximum, node.Find("exclusiveMaximum") is { ValueKind: JsonValueKind.True });
            if (Limit(node, "exclusiveMinimum") is { } above) range = range.From(above, excluded: true);
            if (Limit(node, "exclusiveMaximum") is { } below) range = range.UpTo(below, excluded: true);
        }
        return range;
    }

    private static decimal? Limit(SchemaNode node, string keyword) => node.Find(keyword) switch
    {
        { ValueKind: JsonValueKind.Number } number => NumberRange.Parse(number.GetRawText()),
        null => null,
        { ValueKind: JsonValueKind.True or JsonValueKind.False } when keyword.StartsWith("exclusive", StringComparison.Ordinal) => null,
        _ => throw node.Malformed(keyword, "a number"),
    };
}
