using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void Embed(Tensor table, Batch batch, Tensor x, bool next = false)
    {
        var tokens = (next ? batch.NextTokens : batch.Tokens).AsSpan(0, batch.TokenCount);
        var width = table.Shape[1];
        for (var t = 0; t < tokens.Length; t++)
        {
            var row = table.Rows(Resolve(tokens[t]), 1);
            var output = x.F32 + (long)t * width;
            switch (table.Type)
            {
                case DType.F32: Widen<F32Format>(row, output, width); break;
                case DType.BF16: Widen<BF16Format>(row, output, width); break;
                case DType.F16: Widen<F16Format>(row, output, width); break;
                default: throw new NotSupportedException($"embeddings of type {table.Type}");
            }
        }
    }

    private static void Widen<TFormat>(Tensor row, float* output, int width) where TFormat : IWeightFormat
    {
        var factor = TFormat.Factor(null);
        for (var k = 0; k < width; k += 8) TFormat.Load((byte*)row.Address + k * TFormat.Size, factor).Store(output + k);
    }
}
