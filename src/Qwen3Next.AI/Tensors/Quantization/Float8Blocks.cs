using System.Numerics.Tensors;

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

    /// <summary>
    /// The codes and scales nearest to a matrix: a block's scale takes its largest magnitude to the largest code, and each value is rounded to
    /// nearest. The relative error of a value that is not tiny beside the block's largest is at most 2^-4.
    /// </summary>
    /// <param name="matrix">[N, K] BF16, F16 or F32.</param>
    /// <param name="codes">[N, K] F8E4M3, in the returned memory.</param>
    /// <param name="scales">[ceil(N / 128), ceil(K / 128)] F32, in the returned memory.</param>
    public static NativeBuffer Encode(Tensor matrix, out Tensor codes, out Tensor scales)
    {
        var shape = ScaleShape(matrix.Shape);
        var padded = (matrix.Shape.Elements + 63) / 64 * 64;
        var memory = new NativeBuffer(padded + shape.Elements * sizeof(float), clear: false);
        var (toCodes, toScales) = (new Tensor(memory.Address, DType.F8E4M3, matrix.Shape), new Tensor(memory.Address + (nint)padded, DType.F32, shape));
        Parallel.For(0, shape[0], band => EncodeBand(matrix, toCodes, toScales, band));
        (codes, scales) = (toCodes, toScales);
        return memory;
    }

    private static void EncodeBand(Tensor matrix, Tensor codes, Tensor scales, int band)
    {
        int first = band * Size, rows = Math.Min(Size, matrix.Shape[0] - first), columns = matrix.Shape[1];
        var values = new float[rows * columns];
        TensorConvert.ToSingle(matrix.Rows(first, rows), values);
        for (var block = 0; block < scales.Shape[1]; block++)
        {
            int start = block * Size, width = Math.Min(Size, columns - start);
            var largest = 0f;
            for (var n = 0; n < rows; n++) largest = Math.Max(largest, Math.Abs(TensorPrimitives.MaxMagnitude(values.AsSpan(n * columns + start, width))));
            var scale = largest > 0 ? largest / Float8.Largest : 1;
            scales.F32[(long)band * scales.Shape[1] + block] = scale;
            for (var n = 0; n < rows; n++)
                for (var k = start; k < start + width; k++) ((byte*)codes.Address)[(long)(first + n) * columns + k] = Float8.Encode(values[n * columns + k] / scale);
        }
    }

    private static int Count(int length) => (int)(((long)length + Size - 1) / Size);
}
