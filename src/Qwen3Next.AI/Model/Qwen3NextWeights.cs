using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>
/// All weights of a model. Large matrices are views of the mapped checkpoint, the few converted ones lie in one buffer; both are freed with
/// this object, and no tensor may be used after that.
/// </summary>
internal sealed partial class Qwen3NextWeights : IDisposable
{
    private readonly ICheckpoint _checkpoint;
    private readonly NativeBuffer _copies;
    private readonly List<(TensorSpec Spec, DType Stored)> _taken;

    private Qwen3NextWeights(Qwen3NextConfig config, ICheckpoint checkpoint, NativeBuffer copies, WeightBinder binder)
    {
        (_checkpoint, _copies, Config) = (checkpoint, copies, config);
        var map = new WeightMap(config, binder);
        (Embedding, Layers, FinalNorm, Head) = map.BindMain();
        Mtp = map.BindMtp();
        _taken = binder.Taken;
        Bytes = copies.Bytes + binder.Mapped.Sum(t => t.Bytes);
    }

    public Qwen3NextConfig Config { get; }

    /// <summary>[V, D] as stored.</summary>
    public Tensor Embedding { get; }

    public LayerWeights[] Layers { get; }

    /// <summary>[D] F32, the 1 included.</summary>
    public Tensor FinalNorm { get; }

    /// <summary>[V, D]; default (an empty tensor) for embedding checkpoints, which have none.</summary>
    public LinearWeight Head { get; }

    public MtpWeights? Mtp { get; }

    /// <summary>Memory that the weights take when all of them have been used.</summary>
    public long Bytes { get; }

    /// <summary>Memory that the weights take where a backend places them.</summary>
    public long BytesOn(IBackend backend) => backend.SharesHostMemory ? Bytes : PlacedBytes(_taken, backend);

    /// <summary>The same, before anything is loaded.</summary>
    public static long BytesOn(IBackend backend, WeightBinder check) =>
        backend.SharesHostMemory ? check.CopyBytes + check.Mapped.Sum(t => t.Bytes) : PlacedBytes(check.Taken, backend);

    /// <summary>Checks all headers against the configuration, then converts what must be converted and reads the rest in.</summary>
    /// <param name="config">The checkpoint's configuration.</param>
    /// <param name="checkpoint">Belongs to the result; a failed load disposes it too.</param>
    /// <param name="logger">Learns of tensors that are not used.</param>
    /// <param name="progress">Told about every 64 MiB.</param>
    /// <param name="ct">Ends the load early.</param>
    /// <exception cref="CheckpointException">A tensor is missing or contradicts the configuration; nothing large has been allocated then.</exception>
    public static Qwen3NextWeights Load(Qwen3NextConfig config, ICheckpoint checkpoint, ILogger? logger = null,
        IProgress<Qwen3NextLoadProgress>? progress = null, CancellationToken ct = default)
    {
        NativeBuffer? copies = null;
        try
        {
            var names = new CheckpointNames(checkpoint);
            var check = WeightMap.Check(config, checkpoint, names, ct);
            if (logger is not null && names.Except(check.Used) is { Count: > 0 } unused)
                LogUnused(logger, unused.Count, checkpoint.Name, Abbreviate(unused));
            copies = new NativeBuffer(check.CopyBytes, clear: false);
            var binder = new WeightBinder(checkpoint, names, ct);
            binder.CopyInto(copies);
            var weights = new Qwen3NextWeights(config, checkpoint, copies, binder);
            WeightWarmer.Touch(binder.Mapped, copies.Bytes, progress, ct);
            return weights;
        }
        catch
        {
            copies?.Dispose();
            checkpoint.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _copies.Dispose();
        _checkpoint.Dispose();
    }

    private static long PlacedBytes(List<(TensorSpec Spec, DType Stored)> taken, IBackend backend) => taken.Sum(tensor =>
    {
        var (spec, stored) = tensor;
        if (!spec.Role.IsMatrix()) return spec.Shape.Elements * sizeof(float);
        var type = backend.MatrixType(stored, spec.Role.MayBeFloat8() || spec.Role == TensorRole.StackedExperts);
        var scales = type == DType.F8E4M3 ? spec.Shape.Elements / (Float8Blocks.Size * Float8Blocks.Size) * sizeof(float) : 0;
        return spec.Shape.Elements * type.Size() + scales;
    });

    private static string Abbreviate(List<string> names) => names.Count <= 8 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(8))}, ...";

    [LoggerMessage(LogLevel.Information, "{Count} tensors of {Checkpoint} are not used: {Names}")]
    private static partial void LogUnused(ILogger logger, int count, string checkpoint, string names);
}
