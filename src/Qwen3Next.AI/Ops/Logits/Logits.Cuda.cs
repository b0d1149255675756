using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) =>
        Multiply(new LinearInput(hidden, batch.LogitCount) { Gather = Rows.LogitRows }, [head], logits);
}
