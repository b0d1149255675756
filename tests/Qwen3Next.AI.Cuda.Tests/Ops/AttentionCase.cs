using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Sizes of the heads of a test.</summary>
public sealed record HeadSizes(int QueryHeads, int KvHeads, int HeadDim, int RotaryDim, bool Gated);

/// <summary>
/// One call of gated attention on the CPU backend and on a CUDA backend, with equal cached keys and values, which the stored type holds exactly.
/// </summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    private const int PageKeys = 16;
    private const double BFloat16Unit = 1.0 / 256, RotationError = 4 * 8.0 / (1 << 24);

    private readonly TestMemory _memory = new(5);
    private readonly CpuBackend _cpu = new(2);
    private readonly CudaBackend _cuda;
    private readonly HeadSizes _sizes;
    private readonly AttentionParameters _parameters, _cudaParameters;
    private readonly KvPages _pages, _cudaPages;
    private readonly Tensor _frequencies, _cudaFrequencies, _cudaProjected, _cudaCosSin, _cudaHeads;

    /// <param name="device">Where CUDA computes.</param>
    /// <param name="sizes">Of the heads.</param>
    /// <param name="kvType">Of the pages on the device.</param>
    /// <param name="sequences">Most of a step.</param>
    /// <param name="mostKeys">Longest context.</param>
    /// <param name="mostRows">Most of a step.</param>
    /// <param name="empty">Nothing is cached yet: all pages hold NaN.</param>
    public AttentionCase(CudaDevice device, HeadSizes sizes, DType kvType, int sequences, int mostKeys, int mostRows, bool empty = false)
    {
        _sizes = sizes;
        _cuda = new CudaBackend(device, kvType, slabBytes: 0);
        BlocksEach = (mostKeys + PageKeys - 1) / PageKeys;
        _parameters = new AttentionParameters(sizes.QueryHeads, sizes.KvHeads, sizes.HeadDim, sizes.RotaryDim, sizes.Gated, 1e-6f,
            _memory.Random(2, sizes.HeadDim), _memory.Random(2, sizes.HeadDim));
        _cudaParameters = _parameters with { QueryNorm = _cuda.Place(_parameters.QueryNorm), KeyNorm = _cuda.Place(_parameters.KeyNorm) };
        var shape = new Shape(sequences * BlocksEach, sizes.KvHeads, PageKeys, sizes.HeadDim);
        _pages = new KvPages(Rounded(shape, kvType, empty, out var keys), Rounded(shape, kvType, empty, out var values));
        _cudaPages = new KvPages(_cuda.Place(keys), _cuda.Place(values));
        _frequencies = _memory.Zeros(sizes.RotaryDim / 2);
        for (var c = 0; c < sizes.RotaryDim / 2; c++) _frequencies.F32[c] = (float)Math.Pow(10000, -2.0 * c / sizes.RotaryDim);
        _cudaFrequencies = _cuda.Place(_frequencies);
        _cudaProjected = _cuda.Allocate(DType.F32, new Shape(mostRows, _parameters.ProjectedWidth));
        _cudaCosSin = _cuda.Allocate(DType.F32, new Shape(mostRows, sizes.RotaryDim));
        _cudaHeads = _cuda.Allocate(DType.F32, new Shape(mostRows, sizes.QueryHeads * sizes.HeadDim));
    }

    public int BlocksEach { get; }

    /// <summary>Heads are compared for every so many rows.</summary>
    public int CheckedRows { get; init; } = 1;

    /// <summary>Both backends compute a step; what CUDA left in its pages and its heads must be what the CPU's are, but for rounding.</summary>
    public void Step(params ReadOnlySpan<(int Cached, int Rows)> sequences)
    {
        var batch = TestMemory.Batch(BlocksEach, sequences);
        var rows = batch.TokenCount;
        var projected = _memory.Random(1, rows, _parameters.ProjectedWidth);
        _cuda.Write(projected.AsSpan(), _cudaProjected.Rows(0, rows));
        var (cosSin, heads) = (_memory.Zeros(rows, _sizes.RotaryDim), _memory.Zeros(rows, _sizes.QueryHeads * _sizes.HeadDim));
        _cpu.RotaryAngles(batch, _frequencies, 1.1f, cosSin);
        _cpu.GatedAttention(_parameters, projected, cosSin, _pages, batch, heads);

        _cuda.Load(batch);
        if (batch.MostRows <= 8) _cuda.Run(new StepShape(0, rows, batch.SequenceCount), () => Compute(batch));
        else Compute(batch);

        TakeStored(batch, _pages.Keys, _cudaPages.Keys, "keys");
        TakeStored(batch, _pages.Values, _cudaPages.Values, "values");
        CheckHeads(batch, projected, _cuda.Read(_cudaHeads.Rows(0, rows)).ToArray());
    }

    /// <summary>Managed bytes that a repeated call on CUDA allocates.</summary>
    public long BytesOfACall(params ReadOnlySpan<(int Cached, int Rows)> sequences)
    {
        var batch = TestMemory.Batch(BlocksEach, sequences);
        _cuda.Load(batch);
        Compute(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Compute(batch);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private void Compute(Batch batch)
    {
        var rows = batch.TokenCount;
        _cuda.RotaryAngles(batch, _cudaFrequencies, 1.1f, _cudaCosSin.Rows(0, rows));
        _cuda.GatedAttention(_cudaParameters, _cudaProjected.Rows(0, rows), _cudaCosSin.Rows(0, rows), _cudaPages, batch, _cudaHeads.Rows(0, rows));
    }

    public void Dispose()
    {
        _cuda.Dispose();
        _cpu.Dispose();
        _memory.Dispose();
    }

    /// <summary>Random values that the type holds exactly, in F32 and in the type.</summary>
    private Tensor Rounded(Shape shape, DType type, bool empty, out Tensor stored)
    {
        var values = _memory.Random(1, shape[0], shape[1], shape[2], shape[3]);
        if (empty) values.AsSpan().Fill(float.NaN);
        stored = type == DType.F32 ? values : _memory.Store(values.AsSpan(), type, shape[0], shape[1], shape[2], shape[3]);
        var span = values.AsSpan();
        for (var i = 0; i < span.Length; i++)
        {
            if (type == DType.F8E4M3) ((byte*)stored.Address)[i] = Float8.Encode(span[i]);
            span[i] = Decode(stored, i);
        }
        return values;
    }

    private static float Decode(Tensor stored, long index) => stored.Type switch
    {
        DType.F32 => ((float*)stored.Address)[index],
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)stored.Address)[index] << 16),
        _ => Float8.Decode(((byte*)stored.Address)[index]),
    };

    /// <summary>
    /// What the device stored must be the CPU's, rounded: new entries within half a step of the type (and a few f32 roundings of the numbers up to
    /// 8 that norm and rotation add), all else untouched. Then the CPU's pages get the device's values, so that heads are compared over the same keys.
    /// </summary>
    private void TakeStored(Batch batch, Tensor expected, Tensor stored, string what)
    {
        var words = new Tensor(stored.Address, DType.F32, new Shape(checked((int)(stored.Bytes / sizeof(float)))));
        fixed (float* read = _cuda.Read(words))
        {
            var host = new Tensor((nint)read, stored.Type, stored.Shape);
            var (relative, absolute) = stored.Type switch { DType.F32 => (0.0, 0.0), DType.BF16 => (BFloat16Unit, 0.0), _ => (1.0 / 16, 1.0 / 1024) };
            var added = AddedPositions(batch);
            // A position of a head at a time: a long context has a hundred million numbers.
            Parallel.For(0, expected.Shape.Elements / _sizes.HeadDim, row =>
            {
                var isNew = added.Contains(((int)(row / PageKeys / _sizes.KvHeads), (int)(row % PageKeys)));
                for (var i = row * _sizes.HeadDim; i < (row + 1) * _sizes.HeadDim; i++)
                {
                    double actual = Decode(host, i), wanted = expected.F32[i];
                    if (double.IsNaN(actual) && double.IsNaN(wanted)) continue;
                    var tolerance = isNew ? Math.Max(relative * Math.Abs(wanted), absolute) + RotationError : 0;
                    if (!(Math.Abs(actual - wanted) <= tolerance)) Assert.Fail($"{what}: element {i} of {expected.Shape}, {(isNew ? "new" : "cached")}, is {actual:R}, expected {wanted:R}");
                    expected.F32[i] = (float)actual;
                }
            });
        }
    }

    private HashSet<(int Block, int Place)> AddedPositions(Batch batch)
    {
        var added = new HashSet<(int, int)>();
        for (var n = 0; n < batch.SequenceCount; n++)
            for (var t = batch.SequenceStart[n]; t < batch.SequenceStart[n + 1]; t++)
                added.Add((batch.BlockTable[n * BlocksEach + batch.Positions[t] / PageKeys], batch.Positions[t] % PageKeys));
        return added;
    }

    /// <summary>
    /// Every head against attention in f64 with the CPU's queries over the same keys. Errors come from rounding queries and weights (and F32 keys
    /// and values) to BF16: uniform within 2^-8 relative at most, so of a deviation that follows from the operands. No error may be beyond ten times that
    /// deviation, and their mean square not beyond 1.5 times the expected one: a key too many or too few among a thousand would be.
    /// </summary>
    private void CheckHeads(Batch batch, Tensor projected, float[] actual)
    {
        var squares = new double[_sizes.QueryHeads];
        var count = 0;
        for (var n = 0; n < batch.SequenceCount; n++)
        {
            for (var t = batch.SequenceStart[n]; t < batch.SequenceStart[n + 1]; t += CheckedRows)
            {
                var (sequence, row) = (n, t);
                Parallel.For(0, _sizes.QueryHeads, h => squares[h] += CheckHead(batch, sequence, row, h, projected, actual));
                count += _sizes.QueryHeads * _sizes.HeadDim;
            }
        }
        Assert.InRange(Math.Sqrt(squares.Sum() / count), 0, 1.5);
    }

    /// <summary>The sum of the channels' squared errors, in squared deviations.</summary>
    private double CheckHead(Batch batch, int sequence, int t, int head, Tensor projected, float[] actual)
    {
        double squares = 0;
        var expected = Attend(batch, sequence, t, head, projected, out var deviations);
        for (var c = 0; c < _sizes.HeadDim; c++)
        {
            var error = Math.Abs(expected[c] - actual[(t * _sizes.QueryHeads + head) * _sizes.HeadDim + c]);
            if (!(error <= 10 * deviations[c] + 1e-6)) Assert.Fail($"row {t}, head {head}, channel {c}: {error} off {expected[c]}, deviation {deviations[c]}");
            squares += error * error / (deviations[c] * deviations[c] + 1e-12);
        }
        return squares;
    }

    private double[] Attend(Batch batch, int sequence, int t, int head, Tensor projected, out double[] deviations)
    {
        var (width, keys, scale) = (_sizes.HeadDim, batch.Positions[t] + 1, 1 / Math.Sqrt(_sizes.HeadDim));
        var stride = _parameters.QueryWidth / _sizes.QueryHeads;
        var query = projected.F32 + (long)t * _parameters.ProjectedWidth + head * stride;
        var kvUnit = PagesAreF32 ? BFloat16Unit : 0;
        var (scores, scoreVariances) = (new double[keys], new double[keys]);
        for (var j = 0; j < keys; j++)
        {
            var key = Stored(_pages.Keys, batch, sequence, j, head);
            double score = 0, squares = 0;
            for (var c = 0; c < width; c++)
            {
                double product = (double)query[c] * key[c];
                score += product;
                squares += product * product;
            }
            scores[j] = score * scale;
            scoreVariances[j] = squares * scale * scale * (BFloat16Unit * BFloat16Unit + kvUnit * kvUnit) / 3;
        }
        var maximum = scores.Max();
        var weights = scores.Select(s => Math.Exp(s - maximum)).ToArray();
        var total = weights.Sum();
        var result = new double[width];
        var variances = new double[width];
        for (var j = 0; j < keys; j++)
        {
            var value = Stored(_pages.Values, batch, sequence, j, head);
            weights[j] /= total;
            for (var c = 0; c < width; c++) result[c] += weights[j] * value[c];
        }
        for (var j = 0; j < keys; j++)
        {
            var weight = weights[j];
            var value = Stored(_pages.Values, batch, sequence, j, head);
            for (var c = 0; c < width; c++)
            {
                var spread = value[c] - result[c];
                variances[c] += weight * weight * (spread * spread * scoreVariances[j] + (double)value[c] * value[c] * (BFloat16Unit * BFloat16Unit + kvUnit * kvUnit) / 3);
            }
        }
        deviations = new double[width];
        for (var c = 0; c < width; c++)
        {
            var gate = _sizes.Gated ? 1 / (1 + Math.Exp(-query[width + c])) : 1;
            result[c] *= gate;
            deviations[c] = Math.Sqrt(variances[c]) * gate;
        }
        return result;
    }

    private bool PagesAreF32 => _cudaPages.Keys.Type == DType.F32;

    private float* Stored(Tensor pages, Batch batch, int sequence, int position, int head)
    {
        var block = batch.BlockTable[sequence * BlocksEach + position / PageKeys];
        var kvHead = head / (_sizes.QueryHeads / _sizes.KvHeads);
        return pages.F32 + ((long)(block * _sizes.KvHeads + kvHead) * PageKeys + position % PageKeys) * _sizes.HeadDim;
    }
}
