using System.Runtime.CompilerServices;

namespace Qwen3Next.AI.Ops;

/// <summary>A piece of work cut into chunks; chunks may run on any thread, in any order, at the same time.</summary>
internal interface IParallelWork
{
    /// <param name="chunk">Which chunk.</param>
    /// <param name="thread">Running thread, 0 to Count - 1, for scratch memory.</param>
    void Run(int chunk, int thread);
}

/// <summary>
/// A fork-join team whose fork costs about a microsecond and no allocation: workers spin for a moment between jobs, then sleep. The calling
/// thread takes part, and waits for chunks, not for threads: a worker that the system does not run delays nobody. One job at a time.
/// </summary>
internal sealed unsafe class CpuThreads : IDisposable
{
    private const int SpinsBeforeSleep = 2000;
    private const int Closed = int.MaxValue;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly int _spins;
    private delegate*<nint, int, int, void> _entry;
    private nint _work;
    private int _chunks;
    private int _done;

    // Number of the job in the upper half, next chunk in the lower: taking a chunk fails when the job has changed meanwhile.
    private long _ticket = Closed;
    private volatile Exception? _failure;
    private volatile bool _stop;

    public CpuThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        // Spinning pays only when every thread has a core of its own.
        _spins = count <= Environment.ProcessorCount ? SpinsBeforeSleep : 0;
        _workers = new Thread[count - 1];
        _wake = new SemaphoreSlim[count - 1];
        _asleep = new int[count - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            var index = i;
            _wake[i] = new SemaphoreSlim(0);
            _workers[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"qwen3next cpu {i + 1}" };
            _workers[i].Start();
        }
    }

    public int Count { get; }

    /// <summary>Runs all chunks of <paramref name="work"/> and returns when they are done; the first exception of a chunk is thrown here.</summary>
    public void For<TWork>(ref TWork work, int chunks) where TWork : struct, IParallelWork
    {
        if (chunks <= 1 || Count == 1)
        {
            for (var i = 0; i < chunks; i++) work.Run(i, 0);
            return;
        }
        fixed (void* address = &Unsafe.As<TWork, byte>(ref work))
        {
            _entry = &Invoke<TWork>;
            _work = (nint)address;
            _chunks = chunks;
            _done = 0;
            var job = Job(_ticket) + 1;
            Volatile.Write(ref _ticket, (long)job << 32);
            for (var i = 0; i < Math.Min(_asleep.Length, chunks - 1); i++)
                if (Interlocked.Exchange(ref _asleep[i], 0) == 1) _wake[i].Release();
            TakeChunks(job, 0);
            var spinner = new SpinWait();
            while (Volatile.Read(ref _done) < chunks) spinner.SpinOnce(sleep1Threshold: -1);
            // Closed before the fields change, so that a late worker cannot mix two jobs.
            Interlocked.Exchange(ref _ticket, ((long)job << 32) | Closed);
        }
        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }
    }

    public void Dispose()
    {
        _stop = true;
        foreach (var wake in _wake) wake.Release();
        foreach (var worker in _workers) worker.Join();
        foreach (var wake in _wake) wake.Dispose();
    }

    private static int Job(long ticket) => (int)(ticket >> 32);

    private static void Invoke<TWork>(nint work, int chunk, int thread) where TWork : struct, IParallelWork =>
        Unsafe.AsRef<TWork>((void*)work).Run(chunk, thread);

    private void Work(int index)
    {
        var seen = 0;
        while (true)
        {
            for (var spins = 0; Job(Volatile.Read(ref _ticket)) == seen && !_stop; spins++)
            {
                if (spins < _spins) Thread.SpinWait(8);
                else Sleep(index, seen);
            }
            if (_stop) return;
            seen = Job(Volatile.Read(ref _ticket));
            TakeChunks(seen, index + 1);
        }
    }

    private void Sleep(int index, int seen)
    {
        Interlocked.Exchange(ref _asleep[index], 1);
        // A job posted between the check and the flag would be missed: look once more before waiting.
        if (Job(Volatile.Read(ref _ticket)) != seen && Interlocked.Exchange(ref _asleep[index], 0) == 1) return;
        _wake[index].Wait();
    }

    private void TakeChunks(int job, int thread)
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _ticket);
            var chunk = (int)ticket;
            var (entry, work) = ((nint)_entry, _work);
            if (Job(ticket) != job || chunk >= Volatile.Read(ref _chunks)) return;
            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) != ticket) continue;
            RunChunk((delegate*<nint, int, int, void>)entry, work, chunk, thread);
        }
    }

    private void RunChunk(delegate*<nint, int, int, void> entry, nint work, int chunk, int thread)
    {
        try
        {
            entry(work, chunk, thread);
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
        Interlocked.Increment(ref _done);
    }
}
