using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>The host's part of a step: putting it together, launching it, and publishing its tokens to readers that wait for each of them.</summary>
internal static class HostStepRun
{
    private const int Tokens = 500, Runs = 5;

    public static async Task MeasureAsync()
    {
        foreach (var streams in new[] { 1, 8, 32 })
        {
            using var run = new IdleEngine(streams);
            await run.StepAsync(streams);
            var times = new List<double>();
            for (var i = 0; i < Runs; i++) times.Add(await run.StepAsync(streams));
            WholeRun.Row($"host's part of a step of {streams} conversations", times.Order().ElementAt(Runs / 2), "us");
        }
    }

    private sealed class IdleEngine : IDisposable
    {
        private readonly IdleBackend _backend = new();
        private readonly Qwen3NextWeights _weights;
        private readonly InferenceEngine _engine;

        public IdleEngine(int streams)
        {
            var config = Qwen3NextConfig.Load(TinyCheckpoint.Path);
            _weights = Qwen3NextWeights.Load(config, CheckpointReader.Open(TinyCheckpoint.Path));
            var model = new Qwen3NextModel(_backend, _weights, maxTokens: 512, maxLogitRows: streams + 16);
            var context = Tokens + 96;
            var cache = new HybridCache(_backend, config.CacheLayout(model.HasMtp, _backend.KvType), blocks: streams * (context / HybridCache.BlockSize + 1), slots: streams);
            _engine = new InferenceEngine(model, cache, new EngineLimits(context, 512, streams, streams + 16, 0, 0, 2048, 0, streams, config.VocabularySize, [], RunsAhead: true));
        }

        /// <summary>Microseconds that the engine says a step takes of the host.</summary>
        public async Task<double> StepAsync(int streams)
        {
            var (steps, time) = (_engine.Steps, _engine.HostTime!.Value);
            await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => Task.Run(async () =>
            {
                await foreach (var _ in _engine.GenerateAsync(new GenerationRequest { Prompt = new int[64], MaxTokens = Tokens }, default)) { }
            })));
            return (_engine.HostTime!.Value - time).TotalMicroseconds / (_engine.Steps - steps);
        }

        public void Dispose()
        {
            _engine.Dispose();
            _backend.Dispose();
            _weights.Dispose();
        }
    }
}
