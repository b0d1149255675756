using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>logits[i] = W_head hidden[rows[i]]. Specification 3.7.</summary>
    /// <param name="hidden">[T, D] F32, after the final norm.</param>
    /// <param name="rows">[N] rows wanted.</param>
    /// <param name="head">[V, D].</param>
    /// <param name="logits">[N, V] F32.</param>
    void Logits(Tensor hidden, ReadOnlySpan<int> rows, LinearWeight head, Tensor logits);
}
