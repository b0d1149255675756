using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>Calls return before the device has done what they ask for, so the host can prepare the next step meanwhile.</summary>
    bool RunsAhead { get; }

    /// <summary>
    /// Starts to choose one token from each row of logits, as <see cref="Sampling.Sampler"/> does; the logits are changed. Until the next call, a batch
    /// may name the tokens by their rows, before the host knows them.
    /// </summary>
    /// <param name="logits">[at least rows.Count, at least rows.TokenIds] F32.</param>
    /// <param name="rows">How; its next use with another turn does not touch the tokens of this one.</param>
    void Sample(Tensor logits, SamplingRows rows);

    /// <summary>Waits for the tokens of a <see cref="Sample"/>, in the order of its rows; valid until the next one with the same turn.</summary>
    /// <param name="rows">As given there, and not changed since.</param>
    /// <exception cref="Qwen3NextException">Logits are not numbers. A backend may throw it from <see cref="Sample"/> already.</exception>
    ReadOnlySpan<int> ReadTokens(SamplingRows rows);
}
