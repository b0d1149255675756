using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Some steps of a layer that remembers, rows of some sequences, on a CUDA device and on the CPU.</summary>
internal sealed class DeltaRuleCase : IDisposable
{
    public const int MaxDrafts = 4;

    private const int Disturbances = 3, RecordedRows = 8;

    private readonly TestMemory _memory;
    private readonly CpuBackend _cpu = new(2);
    private readonly CudaBackend _cuda;
    private readonly Random _random;
    private readonly DeltaRuleParameters _host, _device;
    private readonly DeltaStates _exact;
    private readonly DeltaStates[] _disturbed;
    private readonly int _slots;
    private readonly Dictionary<int, (Tensor Projected, Tensor Heads)> _buffers = [];

    /// <param name="cuda">Computes what is tested.</param>
    /// <param name="sizes">Heads and their channels.</param>
    /// <param name="slots">Of the states, all in use; sequence n has the n-th from the end.</param>
    /// <param name="negExpA">What decays are multiplied by, for all heads; NaN for one of its own for each.</param>
    public DeltaRuleCase(CudaBackend cuda, DeltaRuleSizes sizes, int slots, float negExpA = float.NaN)
    {
        (_cuda, _slots, _memory, _random) = (cuda, slots, new TestMemory(sizes.KeyDim + slots), new Random(slots));
        _host = Parameters(sizes, negExpA);
        _device = _host with { Conv = cuda.Place(_host.Conv), NegExpA = cuda.Place(_host.NegExpA), DtBias = cuda.Place(_host.DtBias), Norm = cuda.Place(_host.Norm) };
        _exact = States();
        _memory.Random(0.3f, (int)_exact.Recurrent.Shape.Elements).AsSpan().CopyTo(_exact.Recurrent.AsSpan());
        _memory.Random(1, (int)_exact.Conv.Shape.Elements).AsSpan().CopyTo(_exact.Conv.AsSpan());
        _disturbed = [.. Enumerable.Range(0, Disturbances).Select(_ => States())];
        foreach (var states in _disturbed)
        {
            _exact.Recurrent.AsSpan().CopyTo(states.Recurrent.AsSpan());
            _exact.Conv.AsSpan().CopyTo(states.Conv.AsSpan());
        }
        DeviceStates = Place(_exact);
    }

    /// <summary>Of the device.</summary>
    public DeltaStates DeviceStates { get; }

    /// <summary>States of the device for <see cref="Run"/>, with what the case began with.</summary>
    public DeltaStates CopyOfStates() => Place(_exact);

    public void Dispose()
    {
        _cpu.Dispose();
        _memory.Dispose();
    }

    /// <summary>A step with new random rows, and the comparison of its outputs. Short steps are recorded and replayed, as a model's are.</summary>
    /// <param name="form">On the device; the CPU goes row by row.</param>
    /// <param name="unit">Relative rounding of the device's operands.</param>
    /// <param name="sequences">Of sequences 0, 1 and so on.</param>
    public void Step(DeltaRuleForm form, float unit, params ReadOnlySpan<DeltaRuleRows> sequences)
    {
        var batch = Batch(sequences);
        var (rows, width) = (batch.TokenCount, _host.ValueHeads * _host.ValueDim);
        var projected = _memory.Random(2, rows, _host.ProjectedWidth);
        var expected = _memory.Zeros(rows, width);
        var moved = _disturbed.Select(_ => _memory.Zeros(rows, width)).ToArray();
        _cpu.DeltaRule(_host, projected, _exact, batch, expected, DeltaRuleForm.Recurrent);
        for (var i = 0; i < Disturbances; i++) _cpu.DeltaRule(_host, Disturbed(projected, unit), _disturbed[i], batch, moved[i], DeltaRuleForm.Recurrent);
        var (input, actual) = Buffers(rows);
        _cuda.Write(projected.AsSpan(), input);
        _cuda.Load(batch);
        if (form == DeltaRuleForm.Auto && batch.MostRows <= RecordedRows) _cuda.Run(new StepShape(0, rows, batch.SequenceCount), Compute);
        else Compute();
        AssertClose(expected, moved, _cuda.Read(actual), _host.ValueDim, "heads");

        void Compute() => _cuda.DeltaRule(_device, input, DeviceStates, batch, actual, form);
    }

    /// <summary>Compares what is remembered. What is only copied must be equal.</summary>
    public void CheckStates()
    {
        AssertClose(_exact.Recurrent, [.. _disturbed.Select(states => states.Recurrent)], _cuda.Read(DeviceStates.Recurrent), _host.KeyDim * _host.ValueDim, "states");
        Assert.Equal(_exact.Conv.AsSpan().ToArray(), _cuda.Read(DeviceStates.Conv).ToArray());
    }

    /// <summary>Rows given by the caller, on the device alone.</summary>
    public float[][] Run(DeltaRuleForm form, ReadOnlySpan<float[]> rows, DeltaStates states, params ReadOnlySpan<DeltaRuleRows> sequences)
    {
        var batch = Batch(sequences);
        var projected = _memory.Zeros(Math.Max(1, rows.Length), _host.ProjectedWidth);
        for (var t = 0; t < rows.Length; t++) rows[t].CopyTo(projected.Rows(t, 1).AsSpan());
        var heads = _cuda.Allocate(DType.F32, new Shape(Math.Max(1, rows.Length), _host.ValueHeads * _host.ValueDim));
        _cuda.Load(batch);
        _cuda.DeltaRule(_device, _cuda.Place(projected), states, batch, heads, form);
        return [.. _cuda.Read(heads).ToArray().Chunk(_host.ValueHeads * _host.ValueDim)];
    }

    /// <summary>Managed bytes that a repeated call on the device allocates.</summary>
    public long BytesOfACall(params ReadOnlySpan<DeltaRuleRows> sequences)
    {
        var batch = Batch(sequences);
        var (input, heads) = Buffers(batch.TokenCount);
        _cuda.Load(batch);
        _cuda.DeltaRule(_device, input, DeviceStates, batch, heads);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _cuda.DeltaRule(_device, input, DeviceStates, batch, heads);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    public float[] Row() => _memory.Random(2, _host.ProjectedWidth).AsSpan().ToArray();

    private Batch Batch(ReadOnlySpan<DeltaRuleRows> sequences)
    {
        var batch = new Batch(2048, _slots, 1);
        for (var n = 0; n < sequences.Length; n++)
            batch.Add(new int[sequences[n].Certain + sequences[n].Drafts], 5, _slots - 1 - n, [0], false, false, sequences[n].Drafts, sequences[n].Kept);
        return batch;
    }

    /// <summary>On the device, at the same addresses for the same number of rows.</summary>
    private (Tensor Projected, Tensor Heads) Buffers(int rows)
    {
        if (_buffers.TryGetValue(rows, out var buffers)) return buffers;
        buffers = (_cuda.Allocate(DType.F32, new Shape(rows, _host.ProjectedWidth)), _cuda.Allocate(DType.F32, new Shape(rows, _host.ValueHeads * _host.ValueDim)));
        _buffers.Add(rows, buffers);
        return buffers;
    }

    /// <summary>The inputs of the convolution, each off by up to a rounding.</summary>
    private Tensor Disturbed(Tensor projected, float unit)
    {
        var result = _memory.Zeros(projected.Shape[0], projected.Shape[1]);
        Span<float> from = projected.AsSpan(), to = result.AsSpan();
        for (var i = 0; i < to.Length; i++)
            to[i] = i % _host.ProjectedWidth < _host.ConvChannels ? from[i] * (1 + ((float)_random.NextDouble() * 2 - 1) * unit) : from[i];
        return result;
    }

    /// <summary>
    /// How far results move when every input is off by a rounding is how well the problem is posed. The kernels round at seven places (q, k, S, T, P
    /// and the two solutions), each about as bad as that. Head by head: |actual - expected| is at most 7 times as far as disturbed inputs moved it,
    /// or moved all heads on average, relative to their sizes.
    /// </summary>
    private static void AssertClose(Tensor expected, Tensor[] moved, ReadOnlySpan<float> actual, int length, string what)
    {
        var heads = actual.Length / length;
        var (sizes, moves) = (new double[heads], new double[heads]);
        for (var head = 0; head < heads; head++)
        {
            sizes[head] = Distance(Head(expected), []);
            moves[head] = Math.Sqrt(moved.Average(tensor => Math.Pow(Distance(Head(tensor), Head(expected)), 2)));
            ReadOnlySpan<float> Head(Tensor tensor) => tensor.AsSpan().Slice(head * length, length);
        }
        var average = Math.Sqrt(sizes.Zip(moves, (size, move) => size == 0 ? 0 : Math.Pow(move / size, 2)).DefaultIfEmpty().Average());
        for (var head = 0; head < heads; head++)
        {
            var error = Distance(actual.Slice(head * length, length), expected.AsSpan().Slice(head * length, length));
            var limit = 7 * Math.Max(moves[head], average * sizes[head]);
            Assert.True(error <= limit, $"{what}, head {head}: off by {error} of {sizes[head]}; {limit} is allowed");
        }
    }

    /// <param name="a">A vector.</param>
    /// <param name="b">Empty for zeros.</param>
    private static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += Math.Pow(a[i] - (b.IsEmpty ? 0 : b[i]), 2);
        return Math.Sqrt(sum);
    }

    private DeltaStates States()
    {
        var (p, z) = (_host, _memory);
        return new DeltaStates(z.Zeros(_slots, p.ValueHeads, p.KeyDim, p.ValueDim), z.Zeros(_slots, p.Conv.Shape[0] - 1 + MaxDrafts, p.ConvChannels),
            new DeltaDrafts(z.Zeros(_slots, MaxDrafts, p.KeyHeads, p.KeyDim), z.Zeros(_slots, MaxDrafts, p.ValueHeads, p.ValueDim), z.Zeros(_slots, MaxDrafts, p.ValueHeads)));
    }

    private DeltaStates Place(DeltaStates host) => new(_cuda.Place(host.Recurrent), _cuda.Place(host.Conv),
        new DeltaDrafts(_cuda.Place(host.Drafts.Keys), _cuda.Place(host.Drafts.Corrections), _cuda.Place(host.Drafts.Decays)));

    private DeltaRuleParameters Parameters(DeltaRuleSizes s, float negExpA)
    {
        float[] decays = [.. Enumerable.Range(0, s.ValueHeads).Select(head => float.IsNaN(negExpA) ? -new[] { 0.1f, 1, 3, 0.01f, 0.5f, 8 }[head % 6] : negExpA)];
        var conv = _memory.Random(1, s.Taps, 2 * s.KeyHeads * s.KeyDim + s.ValueHeads * s.ValueDim);
        return new DeltaRuleParameters(s.KeyHeads, s.ValueHeads, s.KeyDim, s.ValueDim, 1e-6f, conv, _memory.Of(decays, s.ValueHeads),
            _memory.Random(1, s.ValueHeads), _memory.Random(1, s.ValueDim));
    }
}

internal readonly record struct DeltaRuleSizes(int KeyHeads, int ValueHeads, int KeyDim, int ValueDim, int Taps = 4);

/// <summary>What a sequence has in a step.</summary>
internal readonly record struct DeltaRuleRows(int Certain, int Drafts, int Kept)
{
    public static implicit operator DeltaRuleRows(int certain) => new(certain, 0, 0);

    public static implicit operator DeltaRuleRows((int Certain, int Drafts, int Kept) rows) => new(rows.Certain, rows.Drafts, rows.Kept);
}
