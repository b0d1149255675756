using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops.Linear;

/// <summary>The matrix of y = W x, as stored.</summary>
/// <param name="Weight">[N out, K in] in any element type.</param>
/// <param name="Scales">[ceil(N / 128), ceil(K / 128)] F32, multiplying the blocks of an F8E4M3 weight; empty for other types.</param>
internal readonly record struct LinearWeight(Tensor Weight, Tensor Scales = default)
{
    public int Out => Weight.Shape[0];

    public int In => Weight.Shape[1];

    public long Bytes => Weight.Bytes + (Scales.IsEmpty ? 0 : Scales.Bytes);
}
