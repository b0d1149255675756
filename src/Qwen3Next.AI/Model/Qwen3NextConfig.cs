using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>The three architectures that share the engine.</summary>
internal enum ModelType
{
    /// <summary>qwen3_next: Gated DeltaNet and gated attention layers, sparse mixture.</summary>
    Qwen3Next,

    /// <summary>qwen3: plain attention, dense.</summary>
    Qwen3,

    /// <summary>qwen3_moe: plain attention, sparse mixture.</summary>
    Qwen3Moe,
}

/// <summary>The shape of a model: config.json after all checks. Every value lies in its range, so products of two of them fit an int.</summary>
internal sealed record Qwen3NextConfig
{
    public required ModelType Type { get; init; }

    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    public required int QueryHeads { get; init; }

    public required int KvHeads { get; init; }

    public required int HeadDim { get; init; }

    public required RopeConfig Rope { get; init; }

    public required int MaxPositions { get; init; }

    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>The head is the embedding table.</summary>
    public bool Tied { get; init; }

    /// <summary>True for attention, false for Gated DeltaNet; one value per layer.</summary>
    public required IReadOnlyList<bool> FullAttention { get; init; }

    /// <summary>True for a mixture of experts, false for a dense MLP; one value per layer.</summary>
    public required IReadOnlyList<bool> Moe { get; init; }

    /// <summary>DeltaNet query and key heads; 0 without DeltaNet layers.</summary>
    public int KeyHeads { get; init; }

    /// <summary>DeltaNet value heads, a multiple of <see cref="KeyHeads"/>.</summary>
    public int ValueHeads { get; init; }

    public int KeyHeadDim { get; init; }

    public int ValueHeadDim { get; init; }

    /// <summary>Taps of the DeltaNet convolution.</summary>
    public int ConvKernel { get; init; }

    /// <summary>Width of a dense MLP.</summary>
    public int MlpWidth { get; init; }

    public int Experts { get; init; }

    /// <summary>Experts that compute for a token.</summary>
    public int ActiveExperts { get; init; }

    public int ExpertWidth { get; init; }

    /// <summary>0 where there is no shared expert.</summary>
    public int SharedExpertWidth { get; init; }

    /// <summary>The weights of the chosen experts are scaled to sum to 1.</summary>
    public bool NormTopK { get; init; }

    /// <summary>eos_token_id; empty where config.json has none.</summary>
    public IReadOnlyList<int> EosTokens { get; init; } = [];

    public int Layers => FullAttention.Count;

    public int RotaryDim => Rope.RotaryDim;

    /// <summary>The query projection carries an output gate beside each head.</summary>
    public bool HasOutputGate => Type == ModelType.Qwen3Next;

    /// <summary>Norm weights are stored without their 1.</summary>
    public bool ZeroCentredNorm => Type == ModelType.Qwen3Next;

    /// <summary>Channels of the DeltaNet convolution: all queries, all keys, all values.</summary>
    public int ConvChannels => 2 * KeyHeads * KeyHeadDim + ValueHeads * ValueHeadDim;

    public bool IsFullAttention(int layer) => FullAttention[layer];

    public bool UsesMoe(int layer) => Moe[layer];

    /// <summary>What the layers remember; the MTP layer, where there is one, as the last.</summary>
    public CacheLayout CacheLayout(bool withMtp, DType kvType, int maxDrafts = 0) => new(
        withMtp ? [.. FullAttention, true] : FullAttention, KvHeads, HeadDim, KeyHeads, ValueHeads, KeyHeadDim, ValueHeadDim, Math.Max(0, ConvKernel - 1), ConvChannels,
        maxDrafts, kvType);

    /// <summary>The same model with only these of its layers, in this order.</summary>
    public Qwen3NextConfig WithLayers(params IEnumerable<int> layers)
    {
        var kept = layers.ToArray();
        return this with { FullAttention = [.. kept.Select(i => FullAttention[i])], Moe = [.. kept.Select(i => Moe[i])] };
    }

    /// <summary>The name that config.json gives to the architecture.</summary>
    public string Architecture => Type switch { ModelType.Qwen3Next => "qwen3_next", ModelType.Qwen3 => "qwen3", _ => "qwen3_moe" };

    /// <summary>Reads config.json of a model folder or hub cache folder.</summary>
    /// <exception cref="CheckpointException">A value is missing, out of range or asks for something unsupported.</exception>
    public static Qwen3NextConfig Load(string path) =>
        Qwen3NextConfigReader.Read(JsonSection.Read(System.IO.Path.Combine(CheckpointFolder.Resolve(path), "config.json")));
}
