using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tests.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>The mask of every step of random texts, against trying each token with the plain matcher.</summary>
public sealed class TokenMaskTests
{
    // Tokens that cross every kind of border: out of a string, out of several brackets, through numbers, words and half characters.
    private static readonly string[] s_tokens =
    [
        "\",", "\":", "\": ", "\": \"", "\"}", "\"},", "\"]}", "\", \"", "{\"", "[{", "[[", "}}", "]]", "}]", "},{", "],", ",\n", "\n  ", ", ", "[]", "{}", "[\"",
        "12", "1,", "0.", "-1", "5]", "5}", "e1", "tr", "true", "ue,", "null", "ull}", "abc", "a\"", "\\n", "\\u0", "\\\"", "\\\\\"", "é", "😀", "é\"", "  ", "    ", "ab\":1", "x\",\"",
    ];

    private static readonly GrammarVocabulary s_vocabulary = new(TestTokenizers.Load(Json()));

    private static string Json()
    {
        var json = TestTokenizers.SmallJson();
        var vocabulary = json["model"]!["vocab"]!.AsObject();
        var texts = s_tokens.Select(Encoding.UTF8.GetBytes).Append([0xF0, 0x9F]).Append([0x80, (byte)'"']);
        // Ids beyond the added tokens of the small tokenizer.
        var next = 300;
        foreach (var bytes in texts) vocabulary[string.Concat(bytes.Select(Qwen3Next.AI.Tokenization.ByteAlphabet.CharOf))] = next++;
        return json.ToJsonString();
    }

    public static TheoryData<string> Schemas =>
    [
        "true",
        """{"type":"object","properties":{"a":{"type":"integer"},"ab":{"type":"string"},"abc":{"type":"boolean"}}}""",
        """{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}}""",
        """{"type":"array","items":{"type":"string","minLength":1,"maxLength":3},"maxItems":3}""",
        """{"type":"array","items":{"anyOf":[{"type":"object","properties":{"a":{"const":"x"},"b":{"type":"number"}}},{"type":"object","properties":{"a":{"const":"xy"},"c":{"type":"null"}}}]}}""",
        """{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"kids":{"type":"array","items":{"$ref":"#"}}}}""",
        """{"type":"array","prefixItems":[{"type":"number","minimum":-1.5,"maximum":12.5},{"type":"string","pattern":"^a+b?(é|😀)*$"}],"minItems":2}""",
        """{"type":"array","items":{"enum":["a","ab","abc",1,12,true,null,["x"],{"ab":1}]},"minItems":1}""",
    ];

    [Theory]
    [MemberData(nameof(Schemas))]
    public void Allowed_EveryStep_IsWhatThePlainMatcherAccepts(string schema)
    {
        var graph = new GrammarGraph();
        var root = graph.Rule();
        graph.Call(root.Start, new JsonSchemaGrammar(new JsonGraph(graph), JsonElement.Parse(schema)).Root(), root.End);
        var automaton = new GrammarAutomaton(graph, root, s_vocabulary);
        Compare(automaton, new PlainMatcher(graph, root), seed: schema.Length);
    }

    [Fact]
    public void Allowed_AddedTokensAndText_IsWhatThePlainMatcherAccepts()
    {
        var graph = new GrammarGraph();
        var root = graph.Rule();
        var thinking = graph.Rule();
        WordFilter.AddText(graph, thinking.Start, thinking.End, "</think>", "ab\":");
        var content = graph.Token(graph.Call(root.Start, thinking), s_vocabulary.FindToken("</think>")!.Value);
        WordFilter.AddText(graph, content, root.End, "12", "tr\"");
        Compare(new GrammarAutomaton(graph, root, s_vocabulary), new PlainMatcher(graph, root), seed: 3);
    }

    private static void Compare(GrammarAutomaton automaton, PlainMatcher matcher, int seed)
    {
        var random = new Random(seed);
        for (var text = 0; text < 6; text++)
        {
            var state = new GrammarState(automaton, [s_vocabulary.FindToken("<|im_end|>")!.Value]);
            var symbols = new List<int>();
            for (var step = 0; step < 14 && !state.Finished; step++)
            {
                var allowed = Tokens(state.Allowed());
                Assert.Equal(Enumerable.Range(0, s_vocabulary.Size).Where(token => Expected(matcher, symbols, token)), allowed);
                var chosen = allowed[random.Next(allowed.Count)];
                if (chosen == s_vocabulary.FindToken("<|im_end|>")) break;
                state.Advance(chosen);
                if (random.Next(2) == 0) state.Commit();
                symbols.AddRange(Symbols(chosen));
            }
        }
    }

    private static bool Expected(PlainMatcher matcher, List<int> symbols, int token)
    {
        if (token == s_vocabulary.FindToken("<|im_end|>")) return matcher.Matches([.. symbols]);
        var added = Symbols(token).ToList();
        return added.Count > 0 && matcher.Begins([.. symbols, .. added]);
    }

    private static IEnumerable<int> Symbols(int token) =>
        s_vocabulary.IsAdded(token) ? [256 + token] : s_vocabulary.BytesOf(token).ToArray().Select(value => (int)value);

    public static List<int> Tokens(ReadOnlySpan<ulong> words)
    {
        var tokens = new List<int>();
        for (var token = 0; token < words.Length * 64; token++)
            if ((words[token >> 6] & (1UL << token)) != 0) tokens.Add(token);
        return tokens;
    }
}
