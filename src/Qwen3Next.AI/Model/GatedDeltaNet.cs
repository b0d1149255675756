using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>x += W_o gated-heads(W_qkvz,ba norm(x)), heads by the gated delta rule. Specification 3.3.</summary>
internal sealed class GatedDeltaNet
{
    private readonly DeltaRuleParameters _parameters;
    private readonly LinearWeight[] _projection;
    private readonly LinearWeight _output;

    public GatedDeltaNet(Qwen3NextConfig config, DeltaNetWeights weights)
    {
        _parameters = new DeltaRuleParameters(config.KeyHeads, config.ValueHeads, config.KeyHeadDim, config.ValueHeadDim,
            (float)config.NormEpsilon, weights.Conv, weights.NegExpA, weights.DtBias, weights.Norm);
        _projection = [weights.Qkvz, weights.BetaDecay];
        _output = weights.Output;
    }

    /// <summary>Takes kept drafts into the states; the batch has no rows.</summary>
    public void Settle(in StepContext step, int layer) => step.Backend.DeltaRule(
        _parameters, step.Buffers.Projected(0, _parameters.ProjectedWidth), step.Cache.States(layer), step.Batch, step.Buffers.Heads(0, _output.In));

    public void Forward(in StepContext step, int layer, Tensor norm, Tensor x)
    {
        var tokens = x.Shape[0];
        var projected = step.Buffers.Projected(tokens, _parameters.ProjectedWidth);
        var heads = step.Buffers.Heads(tokens, _output.In);
        step.Backend.NormProject(x, norm, _parameters.Epsilon, _projection, projected);
        step.Backend.DeltaRule(_parameters, projected, step.Cache.States(layer), step.Batch, heads);
        step.Backend.ProjectAdd(heads, _output, x);
    }
}
