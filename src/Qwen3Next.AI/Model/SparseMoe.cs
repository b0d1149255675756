using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>The feed-forward half of a layer as the backend's one op sees it: routed and shared experts, or a dense MLP. Specification 3.6.</summary>
internal static class SparseMoe
{
    public static FeedForwardParameters Parameters(Qwen3NextConfig config, LayerWeights layer)
    {
        if (layer.Moe is not { } moe) return new FeedForwardParameters { Shared = Network(layer.Mlp!) };
        return new FeedForwardParameters
        {
            Router = moe.Router,
            Experts = [.. moe.Experts.Select(Network)],
            ActiveExperts = config.ActiveExperts,
            NormalizeWeights = config.NormTopK,
            Shared = moe.Shared is { } shared ? Network(shared) : null,
            SharedGate = moe.SharedGate.IsEmpty ? null : new LinearWeight(moe.SharedGate with { Shape = new Shape(1, config.HiddenSize) }, default),
        };
    }

    private static SwiGlu Network(MlpWeights weights) => new(weights.Gate, weights.Up, weights.Down);
}
