using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Cuda;

/// <summary>
/// One scalar or pointer argument of a kernel, made by conversion. Integers are extended to 64 bits, so that they fit parameters of either
/// width; a float must meet a float.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal readonly struct KernelArgument
{
    private readonly long _bits;

    private KernelArgument(long bits) => _bits = bits;

    public static implicit operator KernelArgument(nint value) => new(value);

    public static implicit operator KernelArgument(int value) => new(value);

    public static implicit operator KernelArgument(uint value) => new(value);

    public static implicit operator KernelArgument(long value) => new(value);

    public static implicit operator KernelArgument(ulong value) => new((long)value);

    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToInt32Bits(value));
}
