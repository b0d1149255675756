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
/// A fork-join team whose fork costs about a microsecond and no allocation: workers spin for a moment between jobs, then sleep.
/// The calling thread takes part. One job at a time.
/// </summary>
internal sealed unsafe class CpuThreads : IDisposable
{
    private const int SpinsBeforeSleep = 2000;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly int _spins;
    private delegate*<nint, int, int, void> _entry;
    private nint _work;
    private int _chunks;
    private int _next;
    private int _running;
    private volatile int _job;
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
            _next = 0;
            _running = _workers.Length;
            _job++;
            for (var i = 0; i < _asleep.Length; i++)
                if (Interlocked.Exchange(ref _asleep[i], 0) == 1) _wake[i].Release();
            TakeChunks(0);
            var spinner = new SpinWait();
            while (Volatile.Read(ref _running) > 0) spinner.SpinOnce(sleep1Threshold: -1);
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

    private static void Invoke<TWork>(nint work, int chunk, int thread) where TWork : struct, IParallelWork =>
        Unsafe.AsRef<TWork>((void*)work).Run(chunk, thread);

    private void Work(int index)
    {
        var seen = 0;
        while (true)
        {
            for (var spins = 0; _job == seen && !_stop; spins++)
            {
                if (spins < _spins) Thread.SpinWait(8);
                else Sleep(index, seen);
            }
            if (_stop) return;
            seen = _job;
            TakeChunks(index + 1);
            Interlocked.Decrement(ref _running);
        }
    }

    private void Sleep(int index, int seen)
    {
        Interlocked.Exchange(ref _asleep[index], 1);
        // A job posted between the check and the flag would be missed: look once more before waiting.
        if (_job != seen && Interlocked.Exchange(ref _asleep[index], 0) == 1) return;
        _wake[index].Wait();
    }

    private void TakeChunks(int thread)
    {
        try
        {
            for (int chunk; (chunk = Interlocked.Increment(ref _next) - 1) < _chunks;) _entry(_work, chunk, thread);
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
    }
}
