using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>logits[i] = W_head hidden[row i of the batch's LogitRows]. Specification 3.7.</summary>
    /// <param name="hidden">[T, D] F32, after the final norm.</param>
    /// <param name="batch">LogitRows.</param>
    /// <param name="head">[V, D].</param>
    /// <param name="logits">[LogitCount, V] F32.</param>
    void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits);
}
