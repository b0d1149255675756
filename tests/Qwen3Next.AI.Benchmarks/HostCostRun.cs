using System.Diagnostics;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>What lies between a sampled token and its update in the caller's hands: the hop between threads, decoding, parsing, the update itself.</summary>
internal static class HostCostRun
{
    private const int Tokens = 20_000;
    private const string Text = "The quick brown fox jumps over the lazy dog, and 12 other animals watch it from the edge of the wood.\n";

    public static async Task MeasureAsync()
    {
        var tokenizer = Tokenizer.Load(TinyCheckpoint.Path);
        var answer = tokenizer.Encode(string.Concat(Enumerable.Repeat(Text, Tokens / 20)))[..Tokens];
        using var engine = new ReplayEngine(tokenizer, answer);
        using var client = new Qwen3NextChatClient(engine);
        await ReportAsync("host: sampled token to update, plain text", client, engine, new ChatOptions());
        await ReportAsync("host: the same with a tool offered and two stop sequences", client, engine, new ChatOptions
        {
            Tools = [AIFunctionFactory.Create((string city) => city, "get_weather", "Gets the weather.")], StopSequences = ["zebra", "the end."],
        });
    }

    private static async Task ReportAsync(string what, Qwen3NextChatClient client, ReplayEngine engine, ChatOptions options)
    {
        await RunAsync(client, engine, options); // compiles
        var (latencies, bytes) = await RunAsync(client, engine, options);
        latencies.Sort();
        WholeRun.Row(what, latencies[latencies.Count / 2], "us, median");
        WholeRun.Row("- 99 of 100 within", latencies[latencies.Count * 99 / 100], "us");
        WholeRun.Row("- managed bytes allocated per token", bytes, "");
    }

    private static async Task<(List<double> Microseconds, double BytesPerToken)> RunAsync(Qwen3NextChatClient client, ReplayEngine engine, ChatOptions options)
    {
        var latencies = new List<double>(Tokens);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await foreach (var update in client.GetStreamingResponseAsync("Hi", options).ConfigureAwait(false))
            latencies.Add(Stopwatch.GetElapsedTime(engine.PublishedAt).TotalMicroseconds);
        return (latencies, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Tokens);
    }
}
