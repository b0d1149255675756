namespace Qwen3Next.AI.Tensors.Quantization;

/// <summary>The official FP8 layout: a matrix of <see cref="Float8"/> codes with one scale, which multiplies, for each 128 x 128 block.</summary>
internal static unsafe class Float8Blocks
{
    public const int Size = 128;

    public static Shape ScaleShape(Shape weight) => new(Count(weight[0]), Count(weight[1]));

    /// <summary>W[n, k] = code[n, k] * scale[n / 128, k / 128], one rounding in f32.</summary>
    /// <param name="weight">[N, K] F8E4M3.</param>
    /// <param name="scales">[ceil(N / 128), ceil(K / 128)] F32.</param>
    /// <param name="destination">[N, K] F32.</param>
    public static void Decode(Tensor weight, Tensor scales, Tensor destination)
    {
        int rows = weight.Shape[0], columns = weight.Shape[1], scaleColumns = scales.Shape[1];
        var codes = (byte*)weight.Address;
        for (var n = 0; n < rows; n++)
        {
            for (var k = 0; k < columns; k++)
            {
                var index = (long)n * columns + k;
                destination.F32[index] = Float8.Decode(codes[index]) * scales.F32[(long)(n / Size) * scaleColumns + k / Size];
            }
        }
    }

    private static int Count(int length) => (int)(((long)length + Size - 1) / Size);
}
