using System.Diagnostics;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Cli.Measuring;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>The serving core on the tiny model: many conversations at once, drafts, and what the prefix cache saves and costs.</summary>
internal static class ServingRun
{
    private const int Runs = 5, AnswerTokens = 32, QuestionTokens = 20;

    /// <summary>Tokens per second of all conversations together, without drafts.</summary>
    public static async Task StreamsAsync()
    {
        foreach (var streams in new[] { 1, 2, 4, 8, 16, 32, 64 })
            WholeRun.Row($"{streams} conversations at once", await DecodeRateAsync(new BenchLoad(64, 128, streams), drafts: 0), "tokens/s");
    }

    /// <summary>What drafts are worth where a given share of them holds, and where they are verified.</summary>
    public static async Task DraftsAsync()
    {
        foreach (var batch in new[] { 1, 8, 32 })
        {
            var load = new BenchLoad(64, batch < 32 ? 256 : 96, batch);
            WholeRun.Row($"batch {batch}, no drafts", await DecodeRateAsync(load, drafts: 0), "tokens/s");
            WholeRun.Row($"- drafts by default, verified", await DecodeRateAsync(load, drafts: null), "tokens/s");
            foreach (var share in new[] { 0.6, 0.8, 0.95 })
            {
                WholeRun.Row($"- drafts by default, FORCED acceptance {share}", await DecodeRateAsync(load with { ForcedAcceptance = share }, drafts: null), "tokens/s");
                WholeRun.Row($"- always 2 drafts, FORCED acceptance {share}", await DecodeRateAsync(load with { ForcedAcceptance = share }, drafts: 2), "tokens/s");
            }
        }
    }

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

    private static async Task<double> DecodeRateAsync(BenchLoad load, int? drafts)
    {
        var options = new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, Device = Qwen3NextDevice.Cpu, MaxConcurrentRequests = load.Batch, DraftTokens = drafts };
        BenchLoad.Fit(options, load);
        using var engine = new Qwen3NextEngine(options);
        var rates = new List<double>();
        // The first run compiles, and tells what drafts are worth.
        for (var run = 0; run <= 3; run++)
            rates.Add((await BenchRun.MeasureAsync(engine, load.Requests(engine.ModelInfo.VocabularySize, run), default)).DecodeRate!.Value);
        return Spread.Of(rates.Skip(1)).Median;
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
