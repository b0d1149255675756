using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Engine;

/// <summary>Everything that a load brings into memory, freed in the right order.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly Qwen3NextWeights? _hostWeights;
    private readonly IBackend _backend;

    private LoadedModel(string name, Qwen3NextModel model, HybridCache cache, Qwen3NextWeights? hostWeights, IBackend backend, MemoryPlan plan, EngineLimits limits)
    {
        (_hostWeights, _backend, Plan) = (hostWeights, backend, plan);
        var config = model.Config;
        Fingerprint = $"{name}: {config.Architecture}, {config.Layers} layers, vocabulary {config.VocabularySize}, weights {plan.Weights}, keys and values {backend.KvType}{(model.HasMtp ? ", MTP" : "")}";
        Engine = new InferenceEngine(model, cache, limits);
    }

    public InferenceEngine Engine { get; }

    public MemoryPlan Plan { get; }

    public string Device => _backend.Name;

    /// <summary>What a saved session fits: this model with caches of these sizes and types.</summary>
    public string Fingerprint { get; }

    public static LoadedModel Load(Qwen3NextOptions options, ModelSource source, Qwen3NextModelInfo info, int tokenIds, ILogger logger,
        IProgress<Qwen3NextLoadProgress>? progress, CancellationToken cancellationToken)
    {
        var backend = BackendChoice.Open(options, logger);
        Qwen3NextWeights? weights = null;
        try
        {
            weights = Qwen3NextWeights.Load(source.Config, source.Open(), logger, backend.SharesHostMemory ? progress : null, cancellationToken);
            var free = backend.FreeBytes;
            var plan = MemoryPlan.Create(source.Config, weights.BytesOn(backend), weights.Mtp is not null, backend, options, info.MaxContextTokens);
            var model = new Qwen3NextModel(backend, weights, plan.BatchTokens, plan.LogitRows, Report);
            var cache = new HybridCache(backend, source.Config.CacheLayout(model.HasMtp, backend.KvType, plan.MaxDrafts), plan.Blocks, plan.Sequences + plan.Checkpoints);
            if (!backend.SharesHostMemory)
            {
                weights.Dispose();
                weights = null;
                WarmUp(model, cache, plan, info.MaxContextTokens, tokenIds);
                plan = plan with { Workspace = free - backend.FreeBytes - plan.Total };
            }
            return new LoadedModel(info.ModelId, model, cache, weights, backend, plan, new EngineLimits(
                info.MaxContextTokens, plan.BatchTokens, plan.Sequences, plan.LogitRows, options.DraftTokens, plan.Checkpoints, options.PrefixCacheInterval,
                options.PrefixCacheHostBytes, options.MaxQueueLength, tokenIds, info.StopTokens, backend.RunsAhead));

            void Report(int layers)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!backend.SharesHostMemory) progress?.Report(new Qwen3NextLoadProgress(plan.Weights * layers / source.Config.Layers, plan.Weights));
            }
        }
        catch
        {
            backend.Dispose();
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>Runs the largest steps there can be, so that kernels are compiled and working memory has its final size before the first request.</summary>
    private static void WarmUp(Qwen3NextModel model, HybridCache cache, MemoryPlan plan, int context, int tokenIds)
    {
        var rows = new SamplingRows(plan.LogitRows, tokenIds);
        if (model.HasHead) model.Sample(model.Buffers.Logits, rows);
        StepProfiler.Measure(model, cache, 1, Math.Min(plan.BatchTokens, context), 0);
        StepProfiler.Measure(model, cache, plan.Sequences, 1, 0);
    }

    public void Dispose()
    {
        Engine.Dispose();
        _backend.Dispose();
        _hostWeights?.Dispose();
    }
}
