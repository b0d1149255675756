using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>Where a model's configuration and weights come from: a checkpoint folder, or a shape whose weights are made up.</summary>
internal sealed class ModelSource
{
    private readonly bool _dummyFloat8;

    private ModelSource(string name, string? folder, Qwen3NextConfig config, bool dummyFloat8) =>
        (Name, Folder, Config, _dummyFloat8) = (name, folder, config, dummyFloat8);

    /// <summary>For messages.</summary>
    public string Name { get; }

    /// <summary>The checkpoint's folder; null where weights are made up.</summary>
    public string? Folder { get; }

    public Qwen3NextConfig Config { get; }

    private bool DummyMtp => Config.Type == ModelType.Qwen3Next;

    /// <param name="path">Checkpoint folder or hub cache folder.</param>
    /// <exception cref="CheckpointException">It holds no model.</exception>
    public static ModelSource Checkpoint(string path)
    {
        var folder = CheckpointFolder.Resolve(path);
        return new ModelSource(folder, folder, Qwen3NextConfig.Load(folder), false);
    }

    /// <param name="shape">Name of a published model, or a folder with config.json.</param>
    /// <param name="layers">Only so many of the first layers; null takes all.</param>
    /// <param name="float8">Large matrices in FP8 with block scales instead of BF16.</param>
    /// <exception cref="CheckpointException">There is no such shape.</exception>
    public static ModelSource Dummy(string shape, int? layers, bool float8)
    {
        if (!PublishedModels.Names.Contains(shape) && !Directory.Exists(shape))
            throw new CheckpointException($"'{shape}' is neither a known shape ({string.Join(", ", PublishedModels.Names)}) nor a folder with config.json.");
        var config = Directory.Exists(shape) ? Qwen3NextConfig.Load(shape) : PublishedModels.Get(shape);
        if (layers > config.Layers) throw new CheckpointException($"{layers} layers are asked for; {shape} has {config.Layers}.");
        if (layers is { } count) config = config.WithLayers(Enumerable.Range(0, count));
        return new ModelSource(shape, null, config, float8);
    }

    /// <summary>Bytes that the weights will take, and whether the multi-token-prediction module is among them; reads file headers only.</summary>
    /// <exception cref="CheckpointException">The checkpoint contradicts its configuration.</exception>
    public (long Bytes, bool HasMtp) Measure(IBackend backend)
    {
        if (Folder is null)
        {
            var specs = WeightMap.Tensors(Config, DummyMtp);
            return (specs.Sum(s => s.Shape.Elements * (_dummyFloat8 && s.Role.MayBeFloat8() ? 1 : 2)), DummyMtp);
        }
        using var checkpoint = CheckpointReader.Open(Folder);
        var names = new CheckpointNames(checkpoint);
        return (Qwen3NextWeights.BytesOn(backend, WeightMap.Check(Config, checkpoint, names)), Config.Type == ModelType.Qwen3Next && names.HasMtp);
    }

    /// <summary>The weights; the caller disposes them.</summary>
    public ICheckpoint Open() => Folder is null
        ? new DummyWeights(WeightMap.Tensors(Config, DummyMtp), _dummyFloat8)
        : CheckpointReader.Open(Folder);
}
