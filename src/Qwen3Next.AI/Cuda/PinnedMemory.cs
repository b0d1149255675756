using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>Page-locked host memory: copies between it and a device run beside the calling thread.</summary>
internal sealed class PinnedMemory : ContextObject
{
    internal PinnedMemory(ContextHandle context, long bytes) : base(context)
    {
        Bytes = bytes;
        Driver.Check(Driver.MemHostAlloc(out var address, (nuint)bytes, 0));
        Own(address);
    }

    public long Bytes { get; }

    public nint Address => handle;

    /// <summary>The memory as a span of <typeparamref name="T"/>, valid until disposed.</summary>
    public unsafe Span<T> AsSpan<T>() where T : unmanaged => new((void*)handle, checked((int)(Bytes / sizeof(T))));

    protected override CudaResult Free(nint freed) => Driver.MemFreeHost(freed);
}
