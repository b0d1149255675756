using System.Diagnostics;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>What the prefix cache saves and costs on the tiny model: the first token of a second turn, and a checkpoint.</summary>
internal static class ServingRun
{
    private const int Runs = 5, AnswerTokens = 32, QuestionTokens = 20;

    public static async Task TurnsAsync()
    {
        using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, Device = Qwen3NextDevice.Cpu, MaxContextTokens = 8192, MaxConcurrentRequests = 2 });
        var random = new Random(1);
        await TurnAsync(engine, Tokens(random, 512));
        foreach (var history in new[] { 1000, 4000, 8000 })
        {
            var (first, second) = (new List<double>(), new List<double>());
            for (var run = 0; run < Runs; run++)
            {
                var prompt = Tokens(random, history - AnswerTokens - QuestionTokens);
                var turn = await TurnAsync(engine, prompt);
                first.Add(turn.Milliseconds);
                second.Add((await TurnAsync(engine, [.. prompt, .. turn.Tokens, .. Tokens(random, QuestionTokens)])).Milliseconds);
            }
            WholeRun.Row($"first token of turn 1, {history} tokens", first.Order().ElementAt(Runs / 2), "ms");
            WholeRun.Row($"first token of turn 2, {history} tokens", second.Order().ElementAt(Runs / 2), "ms");
        }
    }

    public static void Checkpoint()
    {
        var config = Qwen3NextConfig.Load(TinyCheckpoint.Path);
        using var backend = new CpuBackend(Environment.ProcessorCount);
        var layout = config.CacheLayout(withMtp: true, backend.KvType, SpeculativeDecoder.MaxDrafts);
        var cache = new HybridCache(backend, layout, blocks: 8, slots: 2);
        var times = new List<double>();
        for (var run = 0; run < 200; run++)
        {
            var started = Stopwatch.GetTimestamp();
            cache.Slots.Copy(0, 1);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        WholeRun.Row("a state of the tiny model", layout.BytesPerState / 1e6, "MB");
        WholeRun.Row("copying it, which is what a checkpoint costs", times.Order().ElementAt(times.Count / 2), "ms");
    }

    private static async Task<(List<int> Tokens, double Milliseconds)> TurnAsync(Qwen3NextEngine engine, int[] prompt)
    {
        var tokens = new List<int>();
        GenerationStatistics? statistics = null;
        await foreach (var step in engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = AnswerTokens, StopTokens = [] }))
        {
            tokens.AddRange(step.Tokens.Span);
            statistics = step.Statistics ?? statistics;
        }
        return (tokens, (statistics!.QueueTime + statistics.PrefillTime).TotalMilliseconds);
    }

    private static int[] Tokens(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(4000))];
}
