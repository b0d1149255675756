using Qwen3Next.AI.Model;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI;

/// <summary>What a checkpoint holds, from its configuration and file headers; no weight is read.</summary>
public sealed record Qwen3NextCheckpointSummary
{
    /// <summary>The folder that was read: the given one, or the snapshot chosen in a hub cache folder.</summary>
    public required string Folder { get; init; }

    /// <summary>model_type of config.json: qwen3_next, qwen3 or qwen3_moe.</summary>
    public required string Architecture { get; init; }

    /// <summary>Prediction modules for speculative decoding: 0 or 1.</summary>
    public required int MtpLayers { get; init; }

    /// <summary>The mixer of each layer: "full_attention" or "linear_attention".</summary>
    public required IReadOnlyList<string> LayerTypes { get; init; }

    /// <summary>Layers whose feed-forward is a mixture of experts; the others are dense.</summary>
    public required int MoeLayers { get; init; }

    /// <summary>Routed experts per mixture; 0 for dense models.</summary>
    public required int Experts { get; init; }

    /// <summary>Routed experts that compute for a token.</summary>
    public required int ActiveExperts { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest context that the configuration allows, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Parameters of the main model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Parameters of the main model that compute for one token: chosen experts and head count, the embedding table does not.</summary>
    public required long ActiveParameters { get; init; }

    /// <summary>Parameters of the prediction module.</summary>
    public required long MtpParameters { get; init; }

    /// <summary>Bytes of the tensors used, by element type: BF16, F16, F32, F8E4M3.</summary>
    public required IReadOnlyDictionary<string, long> BytesByType { get; init; }

    /// <summary>"fp8, blocks of 128 x 128", or null when the matrices have 16 bits or more.</summary>
    public required string? Quantization { get; init; }

    /// <summary>Names of tensors that the engine does not use.</summary>
    public required IReadOnlyList<string> UnusedTensors { get; init; }

    /// <summary>Reads config.json and all file headers, and checks them against each other.</summary>
    /// <param name="path">A model folder or hub cache folder.</param>
    /// <exception cref="CheckpointException">The checkpoint cannot be used.</exception>
    public static Qwen3NextCheckpointSummary Read(string path)
    {
        var config = Qwen3NextConfig.Load(path);
        using var checkpoint = CheckpointReader.Open(path);
        var names = new CheckpointNames(checkpoint);
        var used = WeightMap.Check(config, checkpoint, names).Used;
        var mtp = config.Type == ModelType.Qwen3Next && names.HasMtp;
        var bytes = BytesByTypeOf(checkpoint, used);
        var counts = ParameterCounts.Of(config, mtp);
        return new Qwen3NextCheckpointSummary
        {
            Folder = checkpoint.Name,
            Architecture = config.Architecture,
            MtpLayers = mtp ? 1 : 0,
            LayerTypes = [.. config.FullAttention.Select(full => full ? "full_attention" : "linear_attention")],
            MoeLayers = config.Moe.Count(moe => moe),
            Experts = config.Experts,
            ActiveExperts = config.ActiveExperts,
            HiddenSize = config.HiddenSize,
            VocabularySize = config.VocabularySize,
            MaxPositions = config.MaxPositions,
            Parameters = counts.Main,
            ActiveParameters = counts.Active,
            MtpParameters = counts.Mtp,
            BytesByType = bytes,
            Quantization = bytes.ContainsKey(nameof(DType.F8E4M3)) ? "fp8, blocks of 128 x 128" : null,
            UnusedTensors = names.Except(used),
        };
    }

    private static SortedDictionary<string, long> BytesByTypeOf(CheckpointReader checkpoint, IEnumerable<string> names)
    {
        var bytes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!checkpoint.TryGet(name, out var tensor)) continue;
            bytes[tensor.Type.ToString()] = bytes.GetValueOrDefault(tensor.Type.ToString()) + tensor.Bytes;
        }
        return bytes;
    }
}
