using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>x += W_o gated-heads(W_qkv norm(x)). Specification 3.2; without gates this is the attention of Qwen3.</summary>
internal sealed class GatedAttention
{
    private readonly AttentionParameters _parameters;
    private readonly LinearWeight[] _projection;
    private readonly LinearWeight _output;

    public GatedAttention(Qwen3NextConfig config, AttentionWeights weights)
    {
        _parameters = new AttentionParameters(config.QueryHeads, config.KvHeads, config.HeadDim, config.RotaryDim, config.HasOutputGate,
            (float)config.NormEpsilon, weights.QueryNorm, weights.KeyNorm);
        _projection = [weights.Query, weights.Key, weights.Value];
        _output = weights.Output;
    }

    public void Forward(in StepContext step, int layer, Tensor norm, Tensor x)
    {
        var tokens = x.Shape[0];
        var projected = step.Buffers.Projected(tokens, _parameters.ProjectedWidth);
        var heads = step.Buffers.Heads(tokens, _output.In);
        step.Backend.NormProject(x, norm, _parameters.Epsilon, _projection, projected);
        step.Backend.GatedAttention(_parameters, projected, step.CosSin, step.Cache.Pages(layer), step.Batch, heads);
        step.Backend.ProjectAdd(heads, _output, x);
    }
}
