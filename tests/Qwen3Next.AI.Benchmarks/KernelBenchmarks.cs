using BenchmarkDotNet.Attributes;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>Matrix products of the CPU backend by storage type and number of tokens.</summary>
public class KernelBenchmarks
{
    private const int Rows = 2048, Width = 2048;
    private readonly CpuBackend _backend = new(Environment.ProcessorCount);
    private LinearWeight _weight;
    private Tensor _x, _y;

    /// <summary>Storage type of the weights.</summary>
    [Params("F32", "BF16", "F8E4M3")]
    public string Type { get; set; } = "";

    /// <summary>Tokens multiplied at once.</summary>
    [Params(1, 128)]
    public int Tokens { get; set; }

    /// <summary>Allocates the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var type = Enum.Parse<DType>(Type);
        var scales = type == DType.F8E4M3 ? _backend.Allocate(DType.F32, new Shape(Rows / 128, Width / 128)) : default;
        _weight = new LinearWeight(_backend.Allocate(type, new Shape(Rows, Width)), scales);
        _x = _backend.Allocate(DType.F32, new Shape(Tokens, Width));
        _y = _backend.Allocate(DType.F32, new Shape(Tokens, Rows));
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Project() => _backend.Project(_x, [_weight], _y);

    /// <summary>Frees the operands.</summary>
    [GlobalCleanup]
    public void Cleanup() => _backend.Dispose();
}
