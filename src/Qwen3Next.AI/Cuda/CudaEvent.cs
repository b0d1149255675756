using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>A point in a stream's work that a thread or another stream can wait for; with timing, two of them measure what lies between.</summary>
internal sealed class CudaEvent : ContextObject
{
    internal CudaEvent(ContextHandle context, bool timing) : base(context)
    {
        Driver.Check(Driver.EventCreate(out var created, timing ? Driver.EventDefault : Driver.EventDisableTiming));
        Own(created);
    }

    /// <summary>The work before the last <see cref="CudaStream.Record"/> has ended.</summary>
    /// <exception cref="CudaException">That work failed.</exception>
    public bool IsReached
    {
        get
        {
            Context.MakeCurrent();
            var result = Driver.EventQuery(this);
            if (result == CudaResult.NotReady) return false;
            Driver.Check(result, nameof(Driver.EventQuery));
            return true;
        }
    }

    /// <summary>Blocks the calling thread until <see cref="IsReached"/>.</summary>
    public void Synchronize()
    {
        Context.MakeCurrent();
        Driver.Check(Driver.EventSynchronize(this));
    }

    /// <summary>Milliseconds of the device's clock since <paramref name="start"/>; both must have been reached.</summary>
    public float MillisecondsSince(CudaEvent start)
    {
        Context.MakeCurrent();
        Driver.Check(Driver.EventElapsedTime(out var milliseconds, start, this));
        return milliseconds;
    }

    protected override CudaResult Free(nint freed) => Driver.EventDestroy(freed);
}
