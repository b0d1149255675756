using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>Memory of a device, 256-byte aligned, not cleared. Work that uses it must have ended before it is disposed.</summary>
internal sealed class DeviceMemory : ContextObject
{
    internal DeviceMemory(ContextHandle context, long bytes) : base(context)
    {
        Bytes = bytes;
        Driver.Check(Driver.MemAlloc(out var address, (nuint)bytes));
        Own(address);
    }

    public long Bytes { get; }

    public nint Address => handle;

    protected override CudaResult Free(nint freed) => Driver.MemFree(freed);
}
