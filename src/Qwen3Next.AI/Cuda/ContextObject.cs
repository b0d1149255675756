using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>A driver object that lives in a context: freed on dispose, at the latest by the garbage collector, never after its context.</summary>
internal abstract class ContextObject : SafeHandle
{
    /// <summary>Makes the context current, so that the derived constructor can create the object and <see cref="Own"/> it.</summary>
    protected ContextObject(ContextHandle context) : base(0, ownsHandle: true)
    {
        Context = context;
        context.MakeCurrent();
    }

    public override bool IsInvalid => handle == 0;

    protected ContextHandle Context { get; }

    /// <summary>From here on the object is freed by this handle, and the context waits for that.</summary>
    protected void Own(nint created)
    {
        var added = false;
        Context.DangerousAddRef(ref added);
        SetHandle(created);
    }

    protected sealed override bool ReleaseHandle()
    {
        // After a sticky error both calls fail: the object went with the context.
        var released = Driver.CtxSetCurrent(Context.DangerousGetHandle()) == CudaResult.Success && Free(handle) == CudaResult.Success;
        Context.DangerousRelease();
        return released;
    }

    protected abstract CudaResult Free(nint freed);
}
