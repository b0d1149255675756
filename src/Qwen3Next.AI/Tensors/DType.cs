namespace Qwen3Next.AI.Tensors;

/// <summary>Element types of tensors.</summary>
internal enum DType : byte
{
    F32,
    BF16,
    F16,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, no infinity, maximum 448 ("e4m3fn").</summary>
    F8E4M3,
}

internal static class DTypes
{
    public static int Size(this DType type) => type switch { DType.F32 => 4, DType.F8E4M3 => 1, _ => 2 };
}
