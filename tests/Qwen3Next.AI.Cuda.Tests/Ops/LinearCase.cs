using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>The same product on the CPU and on a CUDA device, with what each output may be off by.</summary>
internal sealed unsafe class LinearCase : IDisposable
{
    private readonly TestMemory _memory;
    private readonly CpuBackend _cpu = new(2);
    private readonly LinearWeight[] _host, _device;
    private readonly CudaBackend _cuda;
    private readonly Tensor _x, _norm;
    private readonly bool _exact, _narrow;

    /// <param name="cuda">Computes what is tested.</param>
    /// <param name="rows">T.</param>
    /// <param name="width">K.</param>
    /// <param name="parts">Type and outputs of each matrix.</param>
    /// <param name="exact">Everything is small integers, so that both sides are exact.</param>
    /// <param name="narrow">Rows are rounded to FP8.</param>
    public LinearCase(CudaBackend cuda, int rows, int width, (DType Type, int Out)[] parts, bool exact = false, bool narrow = false)
    {
        (_cuda, _exact, _narrow, _memory) = (cuda, exact, narrow, new TestMemory(rows * 1000 + width));
        _x = exact ? WholeRows(rows, width) : _memory.Random(1, rows, width);
        _norm = _memory.Random(1, width);
        _host = [.. parts.Select(part => Weight(part.Type, part.Out, width, exact))];
        _device = [.. _host.Select(part => cuda.Place(part))];
    }

    private int Rows => _x.Shape[0];

    private int Width => _x.Shape[1];

    private int Outputs => _host.Sum(part => part.Out);

    public void Project() => Check("project", _x, _host, Run(_cpu, _host), Run(_cuda, _device));

    public void NormProject(float epsilon = 1e-6f)
    {
        var (expected, actual) = (_memory.Zeros(Rows, Outputs), _cuda.Allocate(DType.F32, new Shape(Rows, Outputs)));
        _cpu.NormProject(_x, _norm, epsilon, _host, expected);
        _cuda.NormProject(_cuda.Place(_x), _cuda.Place(_norm), epsilon, _device, actual);
        var normed = _memory.Zeros(Rows, Width);
        _cpu.Norm(_x, _norm, epsilon, normed);
        Check("norm and project", normed, _host, expected.AsSpan(), _cuda.Read(actual));
    }

    public void ProjectAdd()
    {
        var residual = _memory.Random(1, Rows, _host[0].Out);
        foreach (ref var value in residual.AsSpan()) value = MathF.Round(value * 4);
        var actual = _cuda.Place(residual);
        _cpu.ProjectAdd(_x, _host[0], residual);
        _cuda.ProjectAdd(_cuda.Place(_x), _device[0], actual);
        Check("project and add", _x, [_host[0]], residual.AsSpan(), _cuda.Read(actual));
    }

    /// <summary>Logits of the last row of sequences of two rows.</summary>
    public void Logits()
    {
        var count = (Rows + 1) / 2;
        var batch = new Batch(Rows, count, 1);
        for (var n = 0; n < count; n++) batch.Add(new int[Math.Min(2, Rows - 2 * n)], 0, n, [n], true, false);
        var (expected, actual) = (_memory.Zeros(count, _host[0].Out), _cuda.Allocate(DType.F32, new Shape(count, _host[0].Out)));
        _cpu.Logits(_x, batch, _host[0], expected);
        _cuda.Load(batch);
        _cuda.Logits(_cuda.Place(_x), batch, _device[0], actual);
        var chosen = _memory.Zeros(count, Width);
        for (var i = 0; i < count; i++) _x.Rows(batch.LogitRows[i], 1).AsSpan().CopyTo(chosen.Rows(i, 1).AsSpan());
        Check("logits", chosen, [_host[0]], expected.AsSpan(), _cuda.Read(actual));
    }

    /// <summary>Outputs of some rows computed together.</summary>
    public float[] NormProjectRows(int first, int count)
    {
        var y = _cuda.Allocate(DType.F32, new Shape(count, Outputs));
        _cuda.NormProject(_cuda.Place(_x.Rows(first, count)), _cuda.Place(_norm), 1e-6f, _device, y);
        return _cuda.Read(y).ToArray();
    }

    public void Dispose()
    {
        _cpu.Dispose();
        _memory.Dispose();
    }

    private Span<float> Run(IBackend backend, LinearWeight[] parts)
    {
        var y = backend == _cpu ? _memory.Zeros(Rows, Outputs) : backend.Allocate(DType.F32, new Shape(Rows, Outputs));
        backend.Project(backend.Place(_x), parts, y);
        return backend.Read(y);
    }

    private LinearWeight Weight(DType type, int rows, int width, bool exact)
    {
        var values = _memory.Random(exact ? 8 : 1, rows, width).AsSpan();
        if (exact) foreach (ref var value in values) value = MathF.Round(value);
        var weight = _memory.Store(values, type, rows, width);
        if (type != DType.F8E4M3) return new LinearWeight(weight);
        // Codes of whole numbers: 0, 1, 2, 3, 4, -1, -2 and -4.
        ReadOnlySpan<byte> whole = [0x00, 0x38, 0x40, 0x44, 0x48, 0xB8, 0xC0, 0xC8];
        var codes = new Span<byte>((void*)weight.Address, (int)weight.Bytes);
        if (exact) foreach (ref var code in codes) code = whole[code % whole.Length];
        var scales = _memory.Random(0.01f, (rows + 127) / 128, (width + 127) / 128);
        if (exact) foreach (ref var scale in scales.AsSpan()) scale = scale < 0 ? 0.5f : 2;
        return new LinearWeight(weight, scales);
    }

    /// <summary>Whole numbers that FP8 holds exactly beside the 7 in every 128 columns, which gives a scale of 1/64.</summary>
    private Tensor WholeRows(int rows, int width)
    {
        ReadOnlySpan<float> whole = [-7, -4, -2, -1, 0, 1, 2, 4, 7];
        var x = _memory.Random(whole.Length / 2f, rows, width);
        for (var i = 0; i < x.Shape.Elements; i++) x.F32[i] = i % width % 128 == 0 ? 7 : whole[(int)(x.F32[i] + whole.Length / 2f) % whole.Length];
        return x;
    }

    /// <summary>The factors of a product are exact, but x is rounded; sums are F32.</summary>
    private void Check(string what, Tensor x, LinearWeight[] parts, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var outputs = parts.Sum(part => part.Out);
        var bounds = _memory.Zeros(x.Shape[0], outputs);
        _cpu.Project(Rounding(x), [.. parts.Select(Magnitude)], bounds);
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var bound = _exact ? 0 : bounds.F32[i] + MathF.ScaleB(Math.Abs(expected[i]), -22);
            if (!(Math.Abs(expected[i] - actual[i]) <= bound))
                Assert.Fail($"{what}: row {i / outputs} of {x.Shape[0]}, output {i % outputs} of {outputs}, width {Width}: {actual[i]:R} for {expected[i]:R}, bound {bound:R}");
        }
    }

    /// <summary>
    /// What each element of x may be off by. BF16 has 8 bits. FP8 has 4, or steps of 2^-9 scales where the exponent ends, and the scale is a
    /// 448th of the largest element of 128. Sums of K products in F32 are as if each were off by K units of 2^-23.
    /// </summary>
    private Tensor Rounding(Tensor x)
    {
        var off = _memory.Zeros(x.Shape[0], Width);
        for (var i = 0; i < x.Shape.Elements; i++)
        {
            var magnitude = MathF.Abs(x.F32[i]);
            off.F32[i] = magnitude * (MathF.ScaleB(1, _narrow ? -4 : -8) + Width * MathF.ScaleB(1, -23));
            if (!_narrow) continue;
            var (row, block) = (i / Width * Width, i % Width / 128 * 128);
            var largest = 0f;
            for (var k = block; k < Math.Min(Width, block + 128); k++) largest = MathF.Max(largest, MathF.Abs(x.F32[row + k]));
            off.F32[i] += MathF.ScaleB(largest / 448, -10);
        }
        return off;
    }

    private LinearWeight Magnitude(LinearWeight w)
    {
        // The sign is the top bit of each element, which lies in its last byte.
        var copy = _memory.Store(new float[w.Weight.Shape.Elements], w.Weight.Type, w.Out, w.In);
        byte* source = (byte*)w.Weight.Address, target = (byte*)copy.Address;
        var size = w.Weight.Type.Size();
        for (var i = 0L; i < w.Weight.Bytes; i++) target[i] = i % size == size - 1 ? (byte)(source[i] & 0x7F) : source[i];
        if (w.Scales.IsEmpty) return new LinearWeight(copy);
        var scales = _memory.Of(w.Scales.AsSpan(), w.Scales.Shape[0], w.Scales.Shape[1]);
        foreach (ref var scale in scales.AsSpan()) scale = MathF.Abs(scale);
        return new LinearWeight(copy, scales);
    }
}
