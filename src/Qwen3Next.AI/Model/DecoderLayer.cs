using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>x += mixer(norm(x)); x += feed-forward(norm(x)). Specification 3.0.</summary>
internal sealed class DecoderLayer
{
    private readonly int _number;
    private readonly LayerWeights _weights;
    private readonly float _epsilon;
    private readonly GatedAttention? _attention;
    private readonly GatedDeltaNet? _deltaNet;
    private readonly FeedForwardParameters _feedForward;

    /// <param name="config">The model.</param>
    /// <param name="weights">This layer's weights.</param>
    /// <param name="number">Where its state lies in the cache.</param>
    public DecoderLayer(Qwen3NextConfig config, LayerWeights weights, int number)
    {
        (_number, _weights, _epsilon) = (number, weights, (float)config.NormEpsilon);
        if (weights.Attention is { } attention) _attention = new GatedAttention(config, attention);
        if (weights.DeltaNet is { } deltaNet) _deltaNet = new GatedDeltaNet(config, deltaNet);
        _feedForward = SparseMoe.Parameters(config, weights);
    }

    public void Settle(in StepContext step) => _deltaNet?.Settle(step, _number);

    public void Forward(in StepContext step, Tensor x)
    {
        _attention?.Forward(step, _number, _weights.InputNorm, x);
        _deltaNet?.Forward(step, _number, _weights.InputNorm, x);
        step.Backend.FeedForward(_feedForward, _weights.PostAttentionNorm, _epsilon, x);
    }
}
