namespace Qwen3Next.AI.Grammar;

/// <summary>The strings of schemas. Equal demands share one rule.</summary>
internal sealed class SchemaStrings(JsonGraph json)
{
    // Notes for people, which allow any text.
    private static readonly string[] s_looseFormats = ["password", "regex", "binary"];
    private readonly Dictionary<string, GrammarRule> _rules = new(StringComparer.Ordinal);

    public GrammarRule RuleOf(SchemaConjunction schema)
    {
        var (least, most) = Lengths(schema);
        var excluded = Excluded(schema);
        var patterns = Patterns(schema).ToList();
        if (excluded.Count == 0 && patterns.Count == 0)
        {
            if (least == 0 && most == int.MaxValue) return json.AnyString;
            return Shared($"length {least} {most}", () => json.BuildString(least, most));
        }
        var key = $"{least} {most} {string.Join(' ', excluded.Concat(patterns.Select(pattern => pattern.Text)).Select(JsonLiteral.Quote))}";
        return Shared(key, () => Build(Untagged(schema, Automaton(schema)!, json.Forbidden)));
    }

    /// <summary>Whether a text is one of the schema's strings.</summary>
    public static bool Allows(SchemaConjunction schema, string text)
    {
        var (least, most) = Lengths(schema);
        var length = text.EnumerateRunes().Count();
        return length >= least && length <= most && Automaton(schema)?.Accepts(text) is not false;
    }

    /// <summary>All strings but some.</summary>
    public GrammarRule Except(IEnumerable<string> texts)
    {
        var names = texts.ToList();
        return Shared($"except {string.Join(' ', names.Select(JsonLiteral.Quote))}", () => Build(WithoutWords(CharacterDfa.Of(names).Complement(), json.Forbidden)));
    }

    /// <summary>The schema's strings as they are, for text that is not JSON.</summary>
    /// <param name="graph">What is extended.</param>
    /// <param name="schema">What the strings must satisfy.</param>
    /// <param name="from">Where they begin.</param>
    /// <param name="forbidden">Tags that must not occur in them. Where only the length is limited, their first character may not: counting cannot look back.</param>
    /// <param name="to">Where they end.</param>
    public static void AddBare(GrammarGraph graph, SchemaConjunction schema, int from, string[] forbidden, int to)
    {
        var (least, most) = Lengths(schema);
        var demanded = Automaton(schema);
        if (demanded is null && (least, most) != (0, int.MaxValue))
        {
            AddCounted(graph, from, least, most, forbidden[0][0], to);
            return;
        }
        Untagged(schema, demanded ?? CharacterDfa.Length(0, int.MaxValue), forbidden).AddTo(graph, from, to, json: false);
    }

    private static CharacterDfa Untagged(SchemaConjunction schema, CharacterDfa automaton, string[] forbidden)
    {
        try
        {
            return WithoutWords(automaton, forbidden);
        }
        catch (NotSupportedException e)
        {
            throw schema.Nodes[0].Refused("pattern", $"is too large for strings that must not contain tags: {e.Message}", "Make it simpler");
        }
    }

    // The words are tags, of which no character has a meaning in an expression.
    private static CharacterDfa WithoutWords(CharacterDfa automaton, string[] words) =>
        words.Length == 0 ? automaton : automaton.Intersect(RegularExpression.Parse(string.Join('|', words), whole: false).Complement());

    private static void AddCounted(GrammarGraph graph, int from, int least, int most, char excluded, int to)
    {
        if (least == 0) graph.Empty(from, to);
        if (most == 0) return;
        var characters = graph.Rule(Math.Max(least, 1), most);
        foreach (var (first, last) in ((int, int)[])[(0, excluded - 1), (excluded + 1, 0xD7FF), (0xE000, CharacterEdge.LastCharacter)])
            Utf8Graph.Add(graph, characters.Start, first, last, characters.End);
        graph.Call(from, characters, to);
    }

    private GrammarRule Shared(string key, Func<GrammarRule> build) => _rules.TryGetValue(key, out var rule) ? rule : _rules[key] = build();

    private GrammarRule Build(CharacterDfa automaton)
    {
        var rule = json.Graph.Rule();
        var end = json.Graph.Position();
        automaton.AddTo(json.Graph, json.Graph.Literal(rule.Start, "\""), end, json: true);
        json.Graph.Empty(json.Graph.Literal(end, "\""), rule.End);
        return rule;
    }

    private static (int Least, int Most) Lengths(SchemaConjunction schema) =>
        (schema.Nodes.Max(node => node.Count("minLength") ?? 0), schema.Nodes.Min(node => node.Count("maxLength") ?? int.MaxValue));

    private static List<string> Excluded(SchemaConjunction schema) =>
        [.. JsonSchemaGrammar.Excluded(schema).Where(value => value.ValueKind == System.Text.Json.JsonValueKind.String).Select(value => value.GetString()!)];

    /// <summary>All demands but the lengths where nothing else is demanded; null where nothing but lengths is.</summary>
    private static CharacterDfa? Automaton(SchemaConjunction schema)
    {
        CharacterDfa? all = null;
        foreach (var (node, keyword, text, whole) in Patterns(schema))
        {
            try
            {
                var one = RegularExpression.Parse(text, whole);
                all = all?.Intersect(one) ?? one;
            }
            catch (NotSupportedException e)
            {
                throw node.Refused(keyword, e.Message);
            }
        }
        var excluded = Excluded(schema);
        if (excluded.Count > 0) all = all?.Intersect(CharacterDfa.Of(excluded).Complement()) ?? CharacterDfa.Of(excluded).Complement();
        if (all is null) return null;
        var (least, most) = Lengths(schema);
        if (least == 0 && most == int.MaxValue) return all;
        try
        {
            return all.Intersect(CharacterDfa.Length(least, most));
        }
        catch (NotSupportedException e)
        {
            throw schema.Nodes.First(node => node.Has("minLength") || node.Has("maxLength")).Refused(most == int.MaxValue ? "minLength" : "maxLength", $"beside a pattern is too large: {e.Message}", "Put the length into the pattern, or leave one of them");
        }
    }

    private static IEnumerable<(SchemaNode Node, string Keyword, string Text, bool Whole)> Patterns(SchemaConjunction schema)
    {
        foreach (var node in schema.Nodes)
        {
            if (node.Text("pattern") is { } pattern) yield return (node, "pattern", pattern, false);
            if (node.Text("format") is { } format && (schema.Kinds & JsonKinds.String) != 0 && !s_looseFormats.Contains(format))
                yield return (node, "format", StringFormats.Pattern(format) ?? throw node.Refused("format", $"is '{format}', which is not known", "Use a pattern instead"), true);
            if (node.Text("contentEncoding") is { } encoding)
                yield return (node, "contentEncoding", encoding == "base64" ? StringFormats.Base64 : throw node.Refused("contentEncoding", $"is '{encoding}', which is not known", "Use base64"), true);
        }
    }
}
