using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>Widens eight stored weights to F32 in registers. Struct type arguments, so that the JIT makes one kernel per format.</summary>
internal unsafe interface IWeightFormat
{
    static abstract int Size { get; }

    static abstract Vector256<float> Load(byte* p);
}

internal readonly struct F32Format : IWeightFormat
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p) => Vector256.Load((float*)p);
}

internal readonly struct BF16Format : IWeightFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p) => (Widening.FromUInt16((ushort*)p) << 16).AsSingle();
}

/// <summary>Finite values only: weights hold no infinity.</summary>
internal readonly struct F16Format : IWeightFormat
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p)
    {
        var bits = Widening.FromUInt16((ushort*)p);
        return Widening.Rescale((bits & Vector256.Create(0x7FFFu)) << 13, (bits & Vector256.Create(0x8000u)) << 16, 127 - 15);
    }
}

/// <summary>E4M3 without its NaN code, which weights do not hold. Block scales are applied by the kernel.</summary>
internal readonly struct F8Format : IWeightFormat
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(byte* p)
    {
        var bits = Widening.FromByte(p);
        return Widening.Rescale((bits & Vector256.Create(0x7Fu)) << 20, (bits & Vector256.Create(0x80u)) << 24, 127 - 7);
    }
}

internal static unsafe class Widening
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> FromUInt16(ushort* p) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(Vector128.Load(p)).AsUInt32()
        : Vector256.Create(Vector128.WidenLower(Vector128.Load(p)), Vector128.WidenUpper(Vector128.Load(p)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> FromByte(byte* p)
    {
        if (Avx2.IsSupported) return Avx2.ConvertToVector256Int32(p).AsUInt32();
        var pairs = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)p).AsByte());
        return Vector256.Create(Vector128.WidenLower(pairs), Vector128.WidenUpper(pairs));
    }

    /// <summary>
    /// A small float whose exponent and mantissa sit in the F32 fields has only the wrong bias: a multiplication by a power of two
    /// corrects it, exactly, subnormals included.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Rescale(Vector256<uint> magnitude, Vector256<uint> sign, int bias)
    {
        var power = Vector256.Create((uint)(127 + bias) << 23).AsSingle();
        return ((magnitude.AsSingle() * power).AsUInt32() | sign).AsSingle();
    }
}
