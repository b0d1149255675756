using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Tensors;

/// <summary>Widening of stored values; exact for every type.</summary>
internal static unsafe class TensorConvert
{
    public static float BFloat16ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Rounds to nearest, ties to even; NaN stays NaN.</summary>
    public static ushort SingleToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Copies BF16, F16 or F32 to F32. FP8 needs its scales: see <see cref="Quantization.Float8Blocks"/>.</summary>
    public static void ToSingle(Tensor source, Span<float> destination)
    {
        var count = checked((int)source.Shape.Elements);
        switch (source.Type)
        {
            case DType.F32:
                new ReadOnlySpan<byte>((void*)source.Address, checked(count * 4)).CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case DType.F16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>((void*)source.Address, count), destination);
                break;
            case DType.BF16:
                var bits = new ReadOnlySpan<ushort>((void*)source.Address, count);
                for (var i = 0; i < bits.Length; i++) destination[i] = BFloat16ToSingle(bits[i]);
                break;
            default:
                throw new ArgumentException($"{source.Type} cannot be widened without scales", nameof(source));
        }
    }
}
