using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Sizes of a feed-forward part; 0 experts make a dense MLP, a shared width of 0 means none.</summary>
internal sealed record FeedForwardSizes(int Width, int Experts, int Active, int ExpertWidth, int SharedWidth)
{
    public bool Normalize { get; init; } = true;

    public bool EqualLogits { get; init; }
}

/// <summary>Random weights of one feed-forward part in host memory, and its result on either backend.</summary>
internal sealed class FeedForwardLayer : IDisposable
{
    private readonly TestMemory _memory;
    private readonly FeedForwardParameters _parameters;
    private readonly Tensor _norm;

    public FeedForwardLayer(FeedForwardSizes sizes, DType routed, DType shared, int seed)
    {
        (Sizes, _memory) = (sizes, new TestMemory(seed));
        _norm = _memory.Random(1, sizes.Width);
        _parameters = new FeedForwardParameters
        {
            Router = sizes.Experts == 0 ? null : Router(),
            Experts = [.. Enumerable.Range(0, sizes.Experts).Select(_ => Network(routed, sizes.ExpertWidth))],
            ActiveExperts = sizes.Active,
            NormalizeWeights = sizes.Normalize,
            Shared = sizes.SharedWidth == 0 ? null : Network(shared, sizes.SharedWidth),
            SharedGate = sizes.SharedWidth == 0 || sizes.Experts == 0 ? null : new LinearWeight(_memory.Random(0.3f, 1, sizes.Width)),
        };
    }

    public FeedForwardSizes Sizes { get; }

    public float[] Rows(int count) => _memory.Random(1, count, Sizes.Width).AsSpan().ToArray();

    public float[] OnCpu(float[] x)
    {
        using var backend = new CpuBackend(2);
        var rows = _memory.Of(x, x.Length / Sizes.Width, Sizes.Width);
        backend.FeedForward(_parameters, _norm, 1e-6f, rows);
        return rows.AsSpan().ToArray();
    }

    public float[] OnCuda(CudaDevice device, float[] x)
    {
        using var backend = new CudaBackend(device, slabBytes: 0);
        var (parameters, norm) = Place(backend);
        var rows = backend.Allocate(DType.F32, new Shape(x.Length / Sizes.Width, Sizes.Width));
        backend.Write(x, rows);
        backend.FeedForward(parameters, norm, 1e-6f, rows);
        return backend.Read(rows).ToArray();
    }

    public (FeedForwardParameters Parameters, Tensor Norm) Place(CudaBackend backend)
    {
        SwiGlu Placed(SwiGlu network) => new(backend.Place(network.Gate), backend.Place(network.Up), backend.Place(network.Down));
        return (new FeedForwardParameters
        {
            Router = _parameters.Router is { } router ? backend.Place(router) : null,
            Experts = [.. _parameters.Experts.Select(Placed)],
            ActiveExperts = Sizes.Active,
            NormalizeWeights = Sizes.Normalize,
            Shared = _parameters.Shared is { } shared ? Placed(shared) : null,
            SharedGate = _parameters.SharedGate is { } gate ? new LinearWeight(backend.Place(gate.Weight)) : null,
        }, backend.Place(_norm));
    }

    /// <summary>Rows whose last chosen and first other expert have logits closer than that.</summary>
    public HashSet<int> RowsWithMarginBelow(float[] x, double margin)
    {
        if (_parameters.Router is not { } router || Sizes.Active == Sizes.Experts) return [];
        using var backend = new CpuBackend(2);
        var rows = x.Length / Sizes.Width;
        var logits = _memory.Zeros(rows, Sizes.Experts);
        backend.NormProject(_memory.Of(x, rows, Sizes.Width), _norm, 1e-6f, [router], logits);
        return [.. Enumerable.Range(0, rows).Where(row =>
        {
            var sorted = logits.AsSpan().Slice(row * Sizes.Experts, Sizes.Experts).ToArray();
            Array.Sort(sorted);
            return sorted[^Sizes.Active] - sorted[^(Sizes.Active + 1)] < margin;
        })];
    }

    public void Dispose() => _memory.Dispose();

    // Scales make the values of any type about as large, so that silu is used where it bends. E4M3 codes drawn evenly have a root mean square of 130.
    private LinearWeight Matrix(DType type, int rows, int columns)
    {
        var scale = 2 / MathF.Sqrt(columns);
        var values = _memory.Random(scale, rows, columns).AsSpan();
        if (type != DType.F8E4M3) return new LinearWeight(_memory.Store(values, type, rows, columns));
        var codes = _memory.Store(values, type, rows, columns);
        var scales = _memory.Random(0.5f, Float8Blocks.ScaleShape(codes.Shape)[0], Float8Blocks.ScaleShape(codes.Shape)[1]);
        foreach (ref var value in scales.AsSpan()) value = (1 + value) * scale / 200;
        return new LinearWeight(codes, scales);
    }

    private LinearWeight Router() =>
        Sizes.EqualLogits ? new LinearWeight(_memory.Zeros(Sizes.Experts, Sizes.Width)) : Matrix(DType.BF16, Sizes.Experts, Sizes.Width);

    private SwiGlu Network(DType type, int width) =>
        new(Matrix(type, width, Sizes.Width), Matrix(type, width, Sizes.Width), Matrix(type, Sizes.Width, width));
}
