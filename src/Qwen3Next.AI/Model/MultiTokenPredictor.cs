using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>
/// Predicts the token after the next one from the main model's final hidden state and the next token's embedding; embedding table and head are
/// the main model's. Specification 4.1.
/// </summary>
internal sealed class MultiTokenPredictor(Qwen3NextConfig config, MtpWeights weights, Tensor embedding)
{
    private readonly DecoderLayer _layer = new(config, weights.Layer, config.Layers);
    private readonly LinearWeight[] _combine = [weights.Combine];
    private readonly float _epsilon = (float)config.NormEpsilon;

    /// <param name="step">Rows with the tokens that follow them, positions and caches; the MTP layer keeps keys and values of its own.</param>
    /// <param name="hidden">[T, D] hidden states after the final norm, the main model's or, for a second draft, this module's own; replaced by this module's.</param>
    public void Forward(in StepContext step, Tensor hidden)
    {
        var tokens = step.Batch.TokenCount;
        var x = step.Buffers.X(tokens);
        var pair = step.Buffers.Pair(tokens);
        step.Backend.Embed(embedding, step.Batch, x, next: true);
        step.Backend.Norm(x, weights.EmbeddingNorm, _epsilon, pair);
        step.Backend.Norm(hidden, weights.HiddenNorm, _epsilon, pair, config.HiddenSize);
        step.Backend.Project(pair, _combine, x);
        _layer.Forward(step, x);
        step.Backend.Norm(x, weights.FinalNorm, _epsilon, hidden);
    }
}
