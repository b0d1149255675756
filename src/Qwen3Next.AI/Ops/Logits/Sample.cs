using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>Starts to choose one token from each row of logits, as <see cref="Sampling.Sampler"/> does; the logits are changed.</summary>
    /// <param name="logits">[at least rows.Count, at least rows.TokenIds] F32.</param>
    /// <param name="rows">How; may be changed once the call returns.</param>
    void Sample(Tensor logits, SamplingRows rows);

    /// <summary>Waits for the tokens of the last <see cref="Sample"/>, in the order of its rows; valid until the next one.</summary>
    /// <exception cref="Qwen3NextException">Logits are not numbers. A backend may throw it from <see cref="Sample"/> already.</exception>
    ReadOnlySpan<int> ReadTokens();
}
