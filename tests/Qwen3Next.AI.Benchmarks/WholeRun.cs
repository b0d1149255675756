using System.Diagnostics;
using System.Globalization;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>The engine from request to tokens: medians of several runs after a warm-up.</summary>
internal static class WholeRun
{
    private const int Runs = 5;
    private static readonly int Threads = Environment.ProcessorCount;

    public static async Task TinyModelAsync()
    {
        var config = Qwen3NextConfig.Load(TinyCheckpoint.Path);
        using var weights = Qwen3NextWeights.Load(config, CheckpointReader.Open(TinyCheckpoint.Path));
        using var run = new EngineRun(config, weights, Threads, context: 4096);
        var prompt = Enumerable.Range(0, 1500).Select(i => i * 7 % 4000).ToArray();
        await run.GenerateAsync(prompt, 64);
        Row("tiny model, prefill of 1,500 tokens", await MedianAsync(async () => 1500 / (await run.GenerateAsync(prompt, 1)).PrefillTime.TotalSeconds), "tokens/s");
        Row("tiny model, decode at 100 tokens of context", await MedianAsync(() => DecodeAsync(run, prompt[..100], 256)), "tokens/s");
        Row("tiny model, decode at 1,500 tokens of context", await MedianAsync(() => DecodeAsync(run, prompt, 256)), "tokens/s");
        Row("managed bytes allocated per decode step", await run.AllocatedPerStepAsync(prompt[..100]), "bytes");
    }

    public static async Task RealDimensionsAsync()
    {
        // One DeltaNet and one attention layer of the 80B shape; everything else is as published.
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(2, 3);
        using var weights = Qwen3NextWeights.Load(config, new DummyWeights(WeightMap.Tensors(config, mtp: false)));
        using var run = new EngineRun(config, weights, Threads, context: 1024);
        var prompt = Enumerable.Range(0, 256).Select(i => i * 97 % 150_000).ToArray();
        await run.GenerateAsync(prompt[..8], 8);
        var bandwidth = run.ReadRate();
        var decode = await MedianAsync(() => DecodeAsync(run, prompt[..16], 24));
        var bytes = ActiveBytes(config);
        Row("memory read bandwidth", bandwidth / 1e9, "GB/s");
        Row("two layers at 80B dimensions, BF16, decode", decode, "tokens/s");
        Row("  weights read per token", bytes / 1e6, "MB");
        Row("  weights read per second", bytes * decode / 1e9, "GB/s");
        Row("  share of the read bandwidth", bytes * decode / bandwidth, "");
        Row("two layers at 80B dimensions, BF16, prefill of 256 tokens", await MedianAsync(async () => 256 / (await run.GenerateAsync(prompt, 1)).PrefillTime.TotalSeconds), "tokens/s");
    }

    /// <summary>Bytes of BF16 matrices that one decoded token reads: mixers, router, chosen and shared experts, head.</summary>
    private static double ActiveBytes(Qwen3NextConfig config)
    {
        double d = config.HiddenSize, parameters = config.VocabularySize * d;
        for (var layer = 0; layer < config.Layers; layer++)
        {
            parameters += config.IsFullAttention(layer)
                ? d * config.HeadDim * (3 * config.QueryHeads + 2 * config.KvHeads)
                : d * (config.ConvChannels + 2 * config.ValueHeads * config.ValueHeadDim + 2 * config.ValueHeads);
            parameters += d * config.Experts + 3 * d * (config.ActiveExperts * config.ExpertWidth + config.SharedExpertWidth);
        }
        return 2 * parameters;
    }

    private static async Task<double> DecodeAsync(EngineRun run, int[] prompt, int tokens)
    {
        var statistics = await run.GenerateAsync(prompt, tokens);
        return (statistics.OutputTokens - 1) / statistics.DecodeTime.TotalSeconds;
    }

    private static async Task<double> MedianAsync(Func<Task<double>> measure)
    {
        var values = new List<double>();
        for (var i = 0; i < Runs; i++) values.Add(await measure());
        return values.Order().ElementAt(Runs / 2);
    }

    public static void Row(string what, double value, string unit) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {value:#,0.##} {unit} |"));

    private sealed class EngineRun : IDisposable
    {
        private readonly CpuBackend _backend;
        private readonly InferenceEngine _engine;

        public EngineRun(Qwen3NextConfig config, Qwen3NextWeights weights, int threads, int context)
        {
            _backend = new CpuBackend(threads);
            var model = new Qwen3NextModel(_backend, weights, maxTokens: 512, maxLogitRows: 4);
            var cache = new HybridCache(_backend, config.CacheLayout(model.HasMtp, _backend.KvType), blocks: context / HybridCache.BlockSize, slots: 1);
            _engine = new InferenceEngine(model, cache, new EngineLimits(context, 512, 1, 4, 0, 0, 2048, 0, 10, config.VocabularySize, [], RunsAhead: false));
        }

        public async Task<GenerationStatistics> GenerateAsync(int[] prompt, int tokens)
        {
            GenerationStep last = default;
            await foreach (var step in _engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = tokens }, default)) last = step;
            return last.Statistics!;
        }

        public double ReadRate() => _backend.MeasureReadRate();

        /// <summary>Allocations of the whole process while the engine decodes and nobody reads.</summary>
        public async Task<double> AllocatedPerStepAsync(int[] prompt)
        {
            await using var reader = _engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = 1000 }, default).GetAsyncEnumerator();
            await reader.MoveNextAsync();
            Thread.Sleep(50);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(200);
            var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            await reader.MoveNextAsync();
            return allocated / (double)reader.Current.Tokens.Length;
        }

        public void Dispose()
        {
            _engine.Dispose();
            _backend.Dispose();
        }
    }
}
