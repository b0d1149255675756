using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>A queue of device work that runs in order. Calls return before the work is done, and may be made from any one thread at a time.</summary>
internal sealed unsafe class CudaStream : ContextObject
{
    internal CudaStream(ContextHandle context) : base(context)
    {
        Driver.Check(Driver.StreamCreate(out var stream, Driver.StreamNonBlocking));
        Own(stream);
    }

    /// <summary>Blocks the calling thread until all queued work is done.</summary>
    /// <exception cref="CudaException">Some of that work failed.</exception>
    public void Synchronize()
    {
        Context.MakeCurrent();
        Driver.Check(Driver.StreamSynchronize(this));
    }

    /// <summary>Copies to the device. Ordinary host memory may change once the call returns, pinned memory only once the copy is done.</summary>
    public void Upload<T>(nint target, ReadOnlySpan<T> source) where T : unmanaged
    {
        fixed (T* first = source) Upload(target, (nint)first, (long)source.Length * sizeof(T));
    }

    /// <summary><see cref="Upload{T}"/> for <paramref name="bytes"/> bytes, which may be more than a span holds.</summary>
    public void Upload(nint target, nint source, long bytes)
    {
        if (bytes == 0) return;
        Context.MakeCurrent();
        Driver.Check(Driver.MemcpyHtoDAsync(target, (void*)source, (nuint)bytes, this));
    }

    /// <summary>Copies to the host. The target must not move, and is filled once the stream is synchronised or a later event reached.</summary>
    public void Download(nint target, nint source, long bytes)
    {
        if (bytes == 0) return;
        Context.MakeCurrent();
        Driver.Check(Driver.MemcpyDtoHAsync((void*)target, source, (nuint)bytes, this));
    }

    /// <summary>Copies to the host and waits for it.</summary>
    public void Download<T>(Span<T> target, nint source) where T : unmanaged
    {
        fixed (T* first = target)
        {
            Download((nint)first, source, (long)target.Length * sizeof(T));
            Synchronize();
        }
    }

    /// <summary>Copies within the device; the ranges must not overlap.</summary>
    public void Copy(nint target, nint source, long bytes)
    {
        if (bytes == 0) return;
        Context.MakeCurrent();
        Driver.Check(Driver.MemcpyDtoDAsync(target, source, (nuint)bytes, this));
    }

    /// <summary>Sets every byte of a range to <paramref name="value"/>.</summary>
    public void Fill(nint target, byte value, long bytes)
    {
        if (bytes == 0) return;
        Context.MakeCurrent();
        Driver.Check(Driver.MemsetD8Async(target, value, (nuint)bytes, this));
    }

    /// <summary>Moves <paramref name="recorded"/> to the end of the work queued so far.</summary>
    public void Record(CudaEvent recorded)
    {
        Context.MakeCurrent();
        Driver.Check(Driver.EventRecord(recorded, this));
    }

    /// <summary>Later work of this stream waits for the last record of <paramref name="awaited"/> on another.</summary>
    public void Wait(CudaEvent awaited)
    {
        Context.MakeCurrent();
        Driver.Check(Driver.StreamWaitEvent(this, awaited, 0));
    }

    /// <summary>Records the work that <paramref name="enqueue"/> queues on this stream as a graph, without doing it.</summary>
    /// <param name="enqueue">Launches and copies only: nothing that waits or allocates device memory.</param>
    public CudaGraph Capture(Action enqueue)
    {
        Context.MakeCurrent();
        Driver.Check(Driver.StreamBeginCapture(this, Driver.CaptureThreadLocal));
        var graph = nint.Zero;
        try
        {
            enqueue();
            Context.MakeCurrent();
            Driver.Check(Driver.StreamEndCapture(this, out graph));
            return new CudaGraph(Context, graph);
        }
        catch when (graph == 0)
        {
            // Leaves the stream usable; the failure that ended the capture is the one to report.
            _ = Driver.StreamEndCapture(this, out graph);
            throw;
        }
        finally
        {
            if (graph != 0) _ = Driver.GraphDestroy(graph);
        }
    }

    protected override CudaResult Free(nint freed) => Driver.StreamDestroy(freed);
}
