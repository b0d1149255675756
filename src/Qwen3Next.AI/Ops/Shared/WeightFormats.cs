using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>Widens eight stored weights to F32 in registers. Struct type arguments, so that the JIT makes one kernel per format.</summary>
internal unsafe interface IWeightFormat
{
    static abstract int Size { get; }

    /// <summary>What <see cref="Load"/> multiplies by within one scale block; formats that need no product ignore it.</summary>
    static abstract Vector256<float> Factor(float* scale);

    static abstract Vector256<float> Load(byte* p, Vector256<float> factor);
}

internal readonly struct F32Format : IWeightFormat
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Factor(float* scale) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p, Vector256<float> factor) => Vector256.Load((float*)p);
}

internal readonly struct BF16Format : IWeightFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Factor(float* scale) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p, Vector256<float> factor) => (Widening.FromInt16((short*)p) << 16).AsSingle();
}

/// <summary>
/// A small float whose sign, exponent and mantissa stand in the places of an F32 has only the wrong exponent bias; a product with a power of
/// two corrects that exactly, subnormals included. Infinities and NaN do not occur in weights.
/// </summary>
internal readonly struct F16Format : IWeightFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Factor(float* scale) => Vector256.Create(Widening.Power(127 - 15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p, Vector256<float> factor) =>
        ((Widening.FromInt16((short*)p) << 13) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * factor;
}

/// <summary>E4M3 like <see cref="F16Format"/>; the block scale, below 2^7, rides in the same product, which so still rounds once.</summary>
internal readonly struct F8Format : IWeightFormat
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Factor(float* scale) => Vector256.Create(Widening.Power(127 - 7) * *scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p, Vector256<float> factor) =>
        ((Widening.FromInt8((sbyte*)p) << 20) & Vector256.Create(unchecked((int)0x87F00000))).AsSingle() * factor;
}

/// <summary>Sign-extending loads: the sign ends up in the top bit after the shift that puts the rest in place.</summary>
internal static unsafe class Widening
{
    public static float Power(int exponent) => BitConverter.Int32BitsToSingle((127 + exponent) << 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> FromInt16(short* p) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(p)
        : Vector256.Create(Vector128.WidenLower(Vector128.Load(p)), Vector128.WidenUpper(Vector128.Load(p)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> FromInt8(sbyte* p)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(p);
        var pairs = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(long*)p).AsSByte());
        return Vector256.Create(Vector128.WidenLower(pairs), Vector128.WidenUpper(pairs));
    }
}
