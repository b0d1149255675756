using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>Grammars at the real vocabulary: how long a schema takes to compile, and a token to be constrained.</summary>
internal static class GrammarRun
{
    private const int Properties = 30;
    private const int Runs = 20;

    public static void Measure(Tokenizer tokenizer)
    {
        var start = Stopwatch.GetTimestamp();
        var vocabulary = new GrammarVocabulary(tokenizer);
        WholeRun.Row("grammar, tokens of the vocabulary as a tree, once", Stopwatch.GetElapsedTime(start).TotalMilliseconds, "ms");

        var schema = JsonElement.Parse(Schema().ToJsonString());
        var compile = Enumerable.Range(0, Runs).Select(_ => Milliseconds(() => Compile(schema, vocabulary))).ToList();
        WholeRun.Row($"grammar, compiling a schema of {Properties} properties, first time in the process", compile[0], "ms");
        WholeRun.Row("- again", compile.Order().ElementAt(Runs / 2), "ms");

        var automaton = Compile(schema, vocabulary);
        var tokens = tokenizer.Encode(Text().ToJsonString());
        var first = Masks(automaton, tokens);
        WholeRun.Row($"grammar, mask per token, first text of {tokens.Length} tokens, mean", first.Average(), "us");
        WholeRun.Row("- slowest", first.Max(), "us");
        for (var i = 0; i < Runs; i++) Masks(automaton, tokens);
        var warm = Enumerable.Range(0, Runs).SelectMany(_ => Masks(automaton, tokens)).Order().ToList();
        WholeRun.Row("grammar, mask per token, later texts, mean", warm.Average(), "us");
        WholeRun.Row("- median", warm[warm.Count / 2], "us");
        WholeRun.Row("- 99th percentile", warm[warm.Count * 99 / 100], "us");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var state = new GrammarState(automaton, []);
        var setup = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var token in tokens) Step(state, token);
        WholeRun.Row("- managed bytes allocated per token", (GC.GetAllocatedBytesForCurrentThread() - before) / (double)tokens.Length, "bytes");
        WholeRun.Row("- managed bytes allocated per answer", setup, "bytes");
    }

    /// <summary>Microseconds for the mask of each token and the step over it.</summary>
    private static List<double> Masks(GrammarAutomaton automaton, int[] tokens)
    {
        var state = new GrammarState(automaton, []);
        return [.. tokens.Select(token => 1000 * Milliseconds(() => Step(state, token)))];
    }

    private static void Step(GrammarState state, int token)
    {
        state.Allowed();
        state.Advance(token);
        state.Commit();
    }

    private static double Milliseconds(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Milliseconds(Func<GrammarAutomaton> compile) => Milliseconds((Action)(() => compile()));

    private static GrammarAutomaton Compile(JsonElement schema, GrammarVocabulary vocabulary)
    {
        var graph = new GrammarGraph();
        var root = graph.Rule();
        graph.Call(root.Start, new JsonSchemaGrammar(new JsonGraph(graph), schema).Root(), root.End);
        return new GrammarAutomaton(graph, root, vocabulary);
    }

    private static JsonObject Schema()
    {
        var properties = new JsonObject();
        for (var i = 0; i < Properties; i++)
        {
            properties[$"property_{i}"] = JsonNode.Parse((i % 6) switch
            {
                0 => """{"type":"string"}""",
                1 => """{"type":"integer","minimum":0,"maximum":120}""",
                2 => """{"type":"array","items":{"type":"object","properties":{"name":{"type":"string","maxLength":200},"done":{"type":"boolean"}},"required":["name"]}}""",
                3 => """{"enum":["red","green","blue"]}""",
                4 => """{"type":"string","format":"date-time"}""",
                _ => """{"type":["number","null"]}""",
            });
        }
        return new JsonObject
        {
            ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. Enumerable.Range(0, Properties / 2).Select(i => (JsonNode)$"property_{2 * i}")]),
        };
    }

    private static JsonObject Text()
    {
        var text = new JsonObject();
        for (var i = 0; i < Properties; i++)
        {
            text[$"property_{i}"] = (i % 6) switch
            {
                0 => "The quick brown fox jumps over the lazy dog, and then some more words follow.",
                1 => 4 * i,
                2 => new JsonArray(new JsonObject { ["name"] = "first of all", ["done"] = true }, new JsonObject { ["name"] = "and then" }),
                3 => "green",
                4 => "2026-11-23T07:30:00Z",
                _ => i * 1.25,
            };
        }
        return text;
    }
}
