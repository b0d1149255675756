using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>
/// An engine over a reference checkpoint with chosen limits, so that scarcity can be tested. It runs ahead of its tokens as on a device, which
/// engines on the CPU do not do otherwise, unless it is told not to.
/// </summary>
internal sealed class EngineHarness : IDisposable
{
    private readonly Qwen3NextWeights _weights;
    private readonly CpuBackend _backend;
    private readonly HybridCache _cache;

    public EngineHarness(string folder, int sequences = 4, int batchTokens = 64, int blocks = 64, int queue = 100, int context = 256, int? drafts = null, int checkpoints = 8,
        int interval = 64, long hostBytes = 0, bool ahead = true, int? tokenIds = null, int threads = 2)
    {
        _backend = new CpuBackend(threads);
        var config = Qwen3NextConfig.Load(folder);
        _weights = Qwen3NextWeights.Load(config, CheckpointReader.Open(folder));
        var model = new Qwen3NextModel(_backend, _weights, batchTokens, 2 * sequences + 16);
        _cache = new HybridCache(_backend, config.CacheLayout(model.HasMtp, _backend.KvType, model.HasMtp ? drafts ?? SpeculativeDecoder.MaxDrafts : 0), blocks, sequences + checkpoints);
        Engine = new InferenceEngine(model, _cache, new EngineLimits(context, batchTokens, sequences, 2 * sequences + 16, drafts, checkpoints, interval, hostBytes, queue, tokenIds ?? config.VocabularySize, [], ahead));
        VocabularySize = config.VocabularySize;
    }

    public InferenceEngine Engine { get; }

    public int VocabularySize { get; }

    public HybridCache Cache => _cache;

    public async Task<(List<int> Tokens, GenerationStep Last)> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        var tokens = new List<int>();
        GenerationStep last = default;
        await foreach (var step in Engine.GenerateAsync(request, cancellationToken))
        {
            tokens.AddRange(step.Tokens.Span);
            last = step;
        }
        return (tokens, last);
    }

    /// <summary>Waits until nothing is owned any more; a place is freed within one step of the end of its stream.</summary>
    public async Task<bool> BecomesIdleAsync()
    {
        for (var i = 0; i < 500 && Engine.Present > 0; i++) await Task.Delay(10);
        return Engine.Present == 0 && _cache.Blocks.FreeCount + _cache.Blocks.CachedCount == _cache.Blocks.Total;
    }

    /// <summary>Fills all keys, values and states with what is not a number.</summary>
    public void Poison()
    {
        for (var layer = 0; layer < _cache.Layout.IsAttention.Count; layer++)
        {
            if (_cache.Layout.IsAttention[layer])
            {
                _cache.Pages(layer).Keys.AsSpan().Fill(float.NaN);
                _cache.Pages(layer).Values.AsSpan().Fill(float.NaN);
                continue;
            }
            var states = _cache.States(layer);
            foreach (var tensor in new[] { states.Recurrent, states.Conv, states.Drafts.Keys, states.Drafts.Corrections, states.Drafts.Decays })
                if (!tensor.IsEmpty) tensor.AsSpan().Fill(float.NaN);
        }
    }

    public void Dispose()
    {
        Engine.Dispose();
        _backend.Dispose();
        _weights.Dispose();
    }
}
