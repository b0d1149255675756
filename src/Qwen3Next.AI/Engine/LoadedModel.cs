using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Engine;

/// <summary>Everything that a load brings into memory, freed in the right order.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly Qwen3NextWeights _weights;
    private readonly IBackend _backend;

    private LoadedModel(Qwen3NextWeights weights, IBackend backend, MemoryPlan plan, EngineLimits limits)
    {
        (_weights, _backend, Plan) = (weights, backend, plan);
        var model = new Qwen3NextModel(backend, weights, plan.BatchTokens, plan.LogitRows);
        Engine = new InferenceEngine(model, new HybridCache(backend, weights.Config.CacheLayout(model.HasMtp, backend.KvType), plan.Blocks, plan.Sequences), limits);
    }

    public InferenceEngine Engine { get; }

    public MemoryPlan Plan { get; }

    public string Device => _backend.Name;

    public static LoadedModel Load(Qwen3NextOptions options, Qwen3NextModelInfo info, int tokenIds, ILogger logger,
        IProgress<Qwen3NextLoadProgress>? progress, CancellationToken cancellationToken)
    {
        ChooseDevice(options.Device, logger);
        var config = Qwen3NextConfig.Load(options.ModelPath);
        var weights = Qwen3NextWeights.Load(config, CheckpointReader.Open(options.ModelPath), logger, progress, cancellationToken);
        IBackend? backend = null;
        try
        {
            if (weights.Head.Weight.IsEmpty) throw new CheckpointException($"{options.ModelPath} has no lm_head: it is an embedding model and cannot generate text.");
            backend = new CpuBackend(options.Threads ?? Environment.ProcessorCount);
            var plan = MemoryPlan.Create(config, weights.Bytes, weights.Mtp is not null, backend.KvType, options, info.MaxContextTokens, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
            return new LoadedModel(weights, backend, plan, new EngineLimits(
                info.MaxContextTokens, plan.BatchTokens, plan.Sequences, plan.LogitRows, options.MaxQueueLength, tokenIds, info.StopTokens));
        }
        catch
        {
            backend?.Dispose();
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Engine.Dispose();
        _backend.Dispose();
        _weights.Dispose();
    }

    private static void ChooseDevice(Qwen3NextDevice device, ILogger logger)
    {
        if (device == Qwen3NextDevice.Cuda)
            throw new Qwen3NextException("Device is Cuda, and this build computes on the CPU only. Set Device to Cpu or Auto.");
        if (device == Qwen3NextDevice.Auto) EngineLog.AutoDevice(logger, "CPU", "this build has no CUDA backend");
    }
}
