using System.Text.Json;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// The pieces of JSON texts. White space may stand where models put it: one space, or a line break and at most <see cref="MostIndent"/> spaces, behind
/// brackets and commas and before closing brackets, and one space behind a colon.
/// </summary>
/// <param name="graph">What is extended.</param>
/// <param name="forbidden">ASCII words that must not stand in strings, because a reader of the text around would take them for tags.</param>
internal sealed class JsonGraph(GrammarGraph graph, params string[] forbidden)
{
    /// <summary>Bounded, so that a weak model cannot go on writing spaces.</summary>
    public const int MostIndent = 32;

    private const string Escapes = "\"\\/bfnrt";
    private GrammarRule? _anyString, _anyValue, _anyObject;

    public GrammarGraph Graph => graph;

    /// <summary>Words that strings must not contain.</summary>
    public string[] Forbidden => forbidden;

    /// <summary>Any string: valid UTF-8, no raw control characters, surrogate escapes in pairs.</summary>
    public GrammarRule AnyString => _anyString ??= BuildString(0, int.MaxValue);

    public GrammarRule AnyObject => _anyObject ??= BuildContainer('{', '}', item => Colon(graph.Call(item, AnyString)));

    public GrammarRule AnyValue => _anyValue ?? BuildAnyValue();

    public GrammarRule BuildString(int least, int most)
    {
        var rule = graph.Rule();
        var end = graph.Literal(rule.Start, "\"");
        if (most == int.MaxValue && least == 0)
        {
            var text = new WordFilter(graph, forbidden);
            text.AddBytes(graph, ' ', '!');
            text.AddBytes(graph, '#', '[');
            text.AddBytes(graph, ']', 0x7F);
            graph.Empty(end, text.Begin);
            end = graph.Position();
            foreach (var position in text.Positions)
            {
                AddRareCharacter(position, text.Begin);
                graph.Empty(position, end);
            }
        }
        else if (most > 0)
        {
            var characters = graph.Rule(Math.Max(least, 1), most);
            AddCharacter(characters.Start, characters.End);
            var begin = end;
            end = graph.Call(begin, characters);
            if (least == 0) graph.Empty(begin, end);
        }
        graph.Empty(graph.Literal(end, "\""), rule.End);
        return rule;
    }

    /// <summary>A text as the one JSON string in which it is written.</summary>
    public string Quote(string text)
    {
        var quoted = JsonLiteral.Quote(text);
        foreach (var word in forbidden) quoted = quoted.Replace(word, $"\\u{(int)word[0]:x4}{word[1..]}", StringComparison.Ordinal);
        return quoted;
    }

    public int Gap(int from)
    {
        var to = graph.Position();
        graph.Empty(from, to);
        graph.Bytes(from, ' ', ' ', to);
        var indent = graph.Literal(from, "\n");
        for (var i = 0; i < MostIndent; i++)
        {
            graph.Empty(indent, to);
            indent = graph.Literal(indent, " ");
        }
        graph.Empty(indent, to);
        return to;
    }

    public int Colon(int from) => graph.Optional(graph.Literal(from, ":"), " ");

    public int Comma(int from) => Gap(graph.Literal(from, ","));

    /// <summary>One value, as it stands.</summary>
    public int Constant(int from, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return Container(from, '{', '}', [.. value.EnumerateObject()], (at, member) => Constant(Colon(graph.Literal(at, Quote(member.Name))), member.Value));
            case JsonValueKind.Array:
                return Container(from, '[', ']', [.. value.EnumerateArray()], Constant);
            default:
                return graph.Literal(from, value.ValueKind == JsonValueKind.String ? Quote(value.GetString()!) : value.GetRawText());
        }
    }

    private int Container<T>(int from, char open, char close, T[] items, Func<int, T, int> write)
    {
        var at = graph.Literal(from, open.ToString());
        for (var i = 0; i < items.Length; i++) at = write(i == 0 ? Gap(at) : Comma(at), items[i]);
        return graph.Literal(items.Length == 0 ? at : Gap(at), close.ToString());
    }

    private GrammarRule BuildAnyValue()
    {
        // Known before it is built, because it contains itself.
        var rule = _anyValue = graph.Rule();
        graph.Call(rule.Start, AnyString, rule.End);
        graph.Call(rule.Start, AnyObject, rule.End);
        graph.Call(rule.Start, BuildContainer('[', ']', item => item), rule.End);
        JsonNumber.Add(graph, rule.Start, rule.End);
        foreach (var word in (string[])["true", "false", "null"]) graph.Empty(graph.Literal(rule.Start, word), rule.End);
        return rule;
    }

    private GrammarRule BuildContainer(char open, char close, Func<int, int> prefix)
    {
        var rule = graph.Rule();
        var begin = graph.Literal(rule.Start, open.ToString());
        var item = Gap(begin);
        var after = graph.Call(prefix(item), AnyValue);
        graph.Empty(Comma(after), item);
        var end = Gap(after);
        graph.Empty(begin, end);
        graph.Empty(graph.Literal(end, close.ToString()), rule.End);
        return rule;
    }

    /// <summary>One character. Where words are forbidden, what they begin with must be escaped: counting cannot look back.</summary>
    private void AddCharacter(int from, int to)
    {
        for (var c = ' '; c <= 0x7F; c++)
        {
            if (c is not ('"' or '\\') && !Array.Exists(forbidden, word => word[0] == c)) graph.Bytes(from, c, c, to);
        }
        AddRareCharacter(from, to);
    }

    /// <summary>A character beyond ASCII, or an escape.</summary>
    private void AddRareCharacter(int from, int to)
    {
        Utf8Graph.Add(graph, from, 0x80, 0xD7FF, to);
        Utf8Graph.Add(graph, from, 0xE000, 0x10FFFF, to);

        var escape = graph.Literal(from, "\\");
        foreach (var c in Escapes) graph.Bytes(escape, c, c, to);
        var unicode = graph.Literal(escape, "u");
        // Not a surrogate, or a high one and then a low one.
        foreach (var (first, second) in (((char, char), (char, char))[])[(('0', '9'), ('0', 'F')), (('A', 'C'), ('0', 'F')), (('D', 'D'), ('0', '7')), (('E', 'F'), ('0', 'F'))])
            Hex(Hex(Hex(Hex(unicode, first), second), ('0', 'F')), ('0', 'F'), to);
        var high = Hex(Hex(Hex(Hex(unicode, ('D', 'D')), ('8', 'B')), ('0', 'F')), ('0', 'F'));
        var low = Hex(Hex(graph.Literal(high, "\\u"), ('D', 'D')), ('C', 'F'));
        Hex(Hex(low, ('0', 'F')), ('0', 'F'), to);
    }

    private int Hex(int from, (char First, char Last) digits)
    {
        var to = graph.Position();
        Hex(from, digits, to);
        return to;
    }

    /// <summary>A hexadecimal digit of a range, in either case.</summary>
    private void Hex(int from, (char First, char Last) digits, int to)
    {
        var (first, last) = digits;
        if (first <= '9') graph.Bytes(from, first, Math.Min(last, '9'), to);
        if (last < 'A') return;
        graph.Bytes(from, Math.Max(first, 'A'), last, to);
        graph.Bytes(from, char.ToLowerInvariant((char)Math.Max(first, 'A')), char.ToLowerInvariant(last), to);
    }
}
