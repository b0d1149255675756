using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Tensors;

/// <summary>64-byte aligned host memory outside the managed heap, freed on dispose; zeroed unless the creator fills all of it anyway.</summary>
internal sealed unsafe partial class NativeBuffer : SafeHandle
{
    private const int HugePage = 2 << 20, AdviseHugePages = 14;

    public NativeBuffer(long bytes, bool clear = true) : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        var huge = bytes >= 16 * HugePage && OperatingSystem.IsLinux();
        SetHandle((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), (nuint)(huge ? HugePage : 64)));
        // Fewer page faults on first use and fewer address look-ups later; a kernel that refuses loses nothing but that.
        if (huge) _ = AdviseMemory(handle, (nuint)bytes, AdviseHugePages);
        if (clear) NativeMemory.Clear((void*)handle, (nuint)bytes);
    }

    public long Bytes { get; }

    public nint Address => handle;

    public override bool IsInvalid => handle == 0;

    public static NativeBuffer For(DType type, Shape shape, out Tensor tensor)
    {
        var buffer = new NativeBuffer(shape.Elements * type.Size());
        tensor = new Tensor(buffer.Address, type, shape);
        return buffer;
    }

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(nint address, nuint length, int advice);
}
