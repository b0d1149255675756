using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int EmbedThreads = 256;

    private Kernel? _embedRows;

    public void Embed(Tensor table, Batch batch, Tensor x, bool next = false)
    {
        if (table.Type != DType.BF16) throw new NotSupportedException($"embeddings of type {table.Type}");
        if (batch.TokenCount == 0) return;
        _embedRows ??= LoadKernels("Ops/Embedding/embedding.cu").GetKernel("embed_rows", overlaps: true);
        _embedRows.Launch(_stream, batch.TokenCount, EmbedThreads, 0, table.Address, next ? Rows.NextTokens : Rows.Tokens, _sampling?.Tokens ?? 0, table.Shape[1], x.Address);
    }
}
