using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>One SwiGLU network: down(silu(gate u) * (up u)).</summary>
internal readonly record struct SwiGlu(LinearWeight Gate, LinearWeight Up, LinearWeight Down);

/// <summary>The feed-forward part of a layer: routed experts, a shared expert, or (with neither router nor gate) a dense MLP in its place.</summary>
internal sealed class FeedForwardParameters
{
    /// <summary>[E, D], or null for a dense MLP.</summary>
    public LinearWeight? Router { get; init; }

    /// <summary>E routed networks of one width.</summary>
    public SwiGlu[] Experts { get; init; } = [];

    /// <summary>Experts per token.</summary>
    public int ActiveExperts { get; init; }

    /// <summary>Weights of a token's experts are divided by their sum.</summary>
    public bool NormalizeWeights { get; init; }

    /// <summary>The network every token passes, if any.</summary>
    public SwiGlu? Shared { get; init; }

    /// <summary>[1, D] F32; sigmoid(gate . u) scales the shared network. Empty: scale 1.</summary>
    public LinearWeight? SharedGate { get; init; }
}

internal partial interface IBackend
{
    /// <summary>
    /// x[t] += FeedForward(u), u = norm(x[t]): softmax over the router's logits, the ActiveExperts largest (lower id wins a tie), their networks
    /// summed by weight in order of id, plus the gated shared network. Specification 3.6.
    /// </summary>
    /// <param name="p">Weights.</param>
    /// <param name="norm">[D] F32 weight of the norm before.</param>
    /// <param name="epsilon">Of the norm.</param>
    /// <param name="x">[T, D] F32 residual stream, updated.</param>
    void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x);
}
