using System.Diagnostics;
using System.Runtime.InteropServices;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>The executable specification, vectorised: F32 arithmetic on all cores. Results do not depend on the number of threads.</summary>
internal sealed unsafe partial class CpuBackend(int threads) : IBackend
{
    private readonly CpuThreads _threads = new(threads);
    private readonly List<NativeBuffer> _buffers = [];
    private readonly List<long> _marks = [];
    private NativeBuffer? _scratch;

    public string Name => $"CPU, {_threads.Count} threads";

    public Tensor Allocate(DType type, Shape shape)
    {
        _buffers.Add(NativeBuffer.For(type, shape, out var tensor));
        return tensor;
    }

    public bool SharesHostMemory => true;

    public bool RunsAhead => false;

    public long FreeBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public DType KvType => DType.F32;

    public DType MatrixType(DType stored, bool mayNarrow) => stored;

    public Tensor Place(Tensor host) => host;

    public LinearWeight Place(LinearWeight host, bool mayNarrow = false) => host;

    public void Load(Batch batch) { }

    public void Run(in StepShape shape, Action compute) => compute();

    public void Clear(Tensor tensor) => NativeMemory.Clear((void*)tensor.Address, (nuint)tensor.Bytes);

    public void Copy(Tensor source, Tensor destination) =>
        Buffer.MemoryCopy((void*)source.Address, (void*)destination.Address, destination.Bytes, source.Bytes);

    public void Write(ReadOnlySpan<float> source, Tensor destination) => source.CopyTo(destination.AsSpan());

    public Span<float> Read(Tensor source) => source.AsSpan();

    public void Mark() => _marks.Add(Stopwatch.GetTimestamp());

    public double[] TakeMarks()
    {
        var seconds = new double[Math.Max(_marks.Count - 1, 0)];
        for (var i = 0; i < seconds.Length; i++) seconds[i] = Stopwatch.GetElapsedTime(_marks[i], _marks[i + 1]).TotalSeconds;
        _marks.Clear();
        return seconds;
    }

    public void Dispose()
    {
        _threads.Dispose();
        foreach (var buffer in _buffers) buffer.Dispose();
        _scratch?.Dispose();
    }

    /// <summary>Memory for one op call: grows to the largest request and stays, so that steps of a known size allocate nothing.</summary>
    private float* Scratch(long floats)
    {
        if (_scratch is null || _scratch.Bytes < floats * sizeof(float))
        {
            _scratch?.Dispose();
            _scratch = new NativeBuffer(floats * sizeof(float));
        }
        return (float*)_scratch.Address;
    }
}
