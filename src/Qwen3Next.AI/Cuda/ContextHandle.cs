using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>A device's primary context. What lives in it holds a reference, so that it goes last, whatever the order of disposal.</summary>
internal sealed class ContextHandle : SafeHandle
{
    private readonly int _device;

    public ContextHandle(int device) : base(0, ownsHandle: true)
    {
        _device = device;
        Driver.Check(Driver.DevicePrimaryCtxRetain(out handle, device));
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// Makes the context that of the calling thread. Cheap enough (tens of nanoseconds) to come before every call, so that any thread may make
    /// any call and other CUDA code in the process may do as it likes.
    /// </summary>
    public void MakeCurrent()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        Driver.Check(Driver.CtxSetCurrent(handle));
    }

    protected override bool ReleaseHandle() => Driver.DevicePrimaryCtxRelease(_device) == CudaResult.Success;
}
