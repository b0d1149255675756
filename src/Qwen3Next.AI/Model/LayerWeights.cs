using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>One decoder layer: a mixer (attention or DeltaNet) and a feed-forward (mixture or dense), each behind its norm.</summary>
internal sealed record LayerWeights
{
    /// <summary>[D] F32, the 1 included.</summary>
    public required Tensor InputNorm { get; init; }

    /// <summary>[D] F32, the 1 included.</summary>
    public required Tensor PostAttentionNorm { get; init; }

    public AttentionWeights? Attention { get; init; }

    public DeltaNetWeights? DeltaNet { get; init; }

    public MoeWeights? Moe { get; init; }

    public MlpWeights? Mlp { get; init; }

    /// <summary>The same weights where the backend's ops can read them.</summary>
    public LayerWeights PlaceOn(IBackend backend) => this with
    {
        InputNorm = backend.Place(InputNorm), PostAttentionNorm = backend.Place(PostAttentionNorm),
        Attention = Attention?.PlaceOn(backend), DeltaNet = DeltaNet?.PlaceOn(backend), Moe = Moe?.PlaceOn(backend), Mlp = Mlp?.PlaceOn(backend),
    };
}

/// <summary>Gated attention, or plain attention where the model has no output gate.</summary>
internal sealed record AttentionWeights
{
    /// <summary>Rows per head: query, then its output gate where the model has one.</summary>
    public required LinearWeight Query { get; init; }

    public required LinearWeight Key { get; init; }

    public required LinearWeight Value { get; init; }

    public required LinearWeight Output { get; init; }

    /// <summary>[HeadDim] F32, the 1 included.</summary>
    public required Tensor QueryNorm { get; init; }

    /// <summary>[HeadDim] F32, the 1 included.</summary>
    public required Tensor KeyNorm { get; init; }

    public AttentionWeights PlaceOn(IBackend backend) => new()
    {
        Query = backend.Place(Query, mayNarrow: true), Key = backend.Place(Key, mayNarrow: true), Value = backend.Place(Value, mayNarrow: true),
        Output = backend.Place(Output, mayNarrow: true),
        QueryNorm = backend.Place(QueryNorm), KeyNorm = backend.Place(KeyNorm),
    };
}

/// <summary>Gated DeltaNet; the checkpoint's rows, grouped by key head, are regrouped so that one product yields each part in one piece.</summary>
internal sealed record DeltaNetWeights
{
    /// <summary>Rows: all queries, all keys, all values, all output gates z. The first three are the convolution's channels in order.</summary>
    public required LinearWeight Qkvz { get; init; }

    /// <summary>Rows: b of all value heads, a of all value heads.</summary>
    public required LinearWeight BetaDecay { get; init; }

    public required LinearWeight Output { get; init; }

    /// <summary>[ConvKernel, ConvChannels] F32; the last tap meets the current token.</summary>
    public required Tensor Conv { get; init; }

    /// <summary>[ValueHeads] F32, -exp(A_log).</summary>
    public required Tensor NegExpA { get; init; }

    /// <summary>[ValueHeads] F32.</summary>
    public required Tensor DtBias { get; init; }

    /// <summary>[ValueHeadDim] F32, a plain weight.</summary>
    public required Tensor Norm { get; init; }

    public DeltaNetWeights PlaceOn(IBackend backend) => new()
    {
        Qkvz = backend.Place(Qkvz, mayNarrow: true), BetaDecay = backend.Place(BetaDecay), Output = backend.Place(Output, mayNarrow: true),
        Conv = backend.Place(Conv),
        NegExpA = backend.Place(NegExpA), DtBias = backend.Place(DtBias), Norm = backend.Place(Norm),
    };
}

/// <summary>SwiGLU: Down (silu(Gate x) * Up x).</summary>
internal sealed record MlpWeights
{
    public required LinearWeight Gate { get; init; }

    public required LinearWeight Up { get; init; }

    public required LinearWeight Down { get; init; }

    public MlpWeights PlaceOn(IBackend backend) => new()
    {
        Gate = backend.Place(Gate, mayNarrow: true), Up = backend.Place(Up, mayNarrow: true), Down = backend.Place(Down, mayNarrow: true),
    };
}

/// <summary>Routed experts and, in Qwen3-Next, the shared expert with its gate.</summary>
internal sealed record MoeWeights
{
    /// <summary>[Experts, D]; never FP8.</summary>
    public required LinearWeight Router { get; init; }

    public required MlpWeights[] Experts { get; init; }

    public MlpWeights? Shared { get; init; }

    /// <summary>[D] F32; empty without a shared expert.</summary>
    public Tensor SharedGate { get; init; }

    public MoeWeights PlaceOn(IBackend backend) => new()
    {
        Router = backend.Place(Router), Experts = [.. Experts.Select(expert => expert.PlaceOn(backend))], Shared = Shared?.PlaceOn(backend),
        SharedGate = SharedGate.IsEmpty ? default : backend.Place(SharedGate),
    };
}

/// <summary>The multi-token-prediction module; embedding and head are the main model's.</summary>
internal sealed record MtpWeights
{
    /// <summary>[D] F32, the 1 included.</summary>
    public required Tensor EmbeddingNorm { get; init; }

    /// <summary>[D] F32, the 1 included.</summary>
    public required Tensor HiddenNorm { get; init; }

    /// <summary>[D] F32, the 1 included.</summary>
    public required Tensor FinalNorm { get; init; }

    /// <summary>[D, 2 D]; reads the embedding, then the hidden state.</summary>
    public required LinearWeight Combine { get; init; }

    public required LayerWeights Layer { get; init; }

    public MtpWeights PlaceOn(IBackend backend) => new()
    {
        EmbeddingNorm = backend.Place(EmbeddingNorm), HiddenNorm = backend.Place(HiddenNorm), FinalNorm = backend.Place(FinalNorm),
        Combine = backend.Place(Combine), Layer = Layer.PlaceOn(backend),
    };
}
