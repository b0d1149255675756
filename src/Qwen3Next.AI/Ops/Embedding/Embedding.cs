using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>x[t] = table[token t of the batch]. Specification 3.0.</summary>
    /// <param name="table">[V, D].</param>
    /// <param name="batch">Tokens, ids below V or rows of the last <see cref="Sample"/>.</param>
    /// <param name="x">[T, D] F32.</param>
    /// <param name="next">Read <see cref="Batch.NextTokens"/> instead of <see cref="Batch.Tokens"/>.</param>
    void Embed(Tensor table, Batch batch, Tensor x, bool next = false);
}
