using System.Text;
using System.Text.Json;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tests.Chat;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>Compiles grammars and reads whole texts with them.</summary>
internal static class GrammarText
{
    public static GrammarVocabulary Bytes { get; } = new(ByteTokenizer.Instance);

    public static GrammarAutomaton OfSchema(string schema, GrammarVocabulary? vocabulary = null)
    {
        var graph = new GrammarGraph();
        var root = graph.Rule();
        graph.Call(root.Start, new JsonSchemaGrammar(new JsonGraph(graph), JsonElement.Parse(schema)).Root(), root.End);
        return new GrammarAutomaton(graph, root, vocabulary ?? Bytes);
    }

    public static bool Matches(this GrammarAutomaton automaton, string text)
    {
        var parse = automaton.Begin();
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (!parse.Step(value)) return false;
        }
        return parse.Complete;
    }
}
