using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>
    /// Rows of a sequence up to which its keys rather than products decide the time: decoded tokens and their drafts. Recorded steps have no more,
    /// so their launches depend on the numbers of rows and sequences alone.
    /// </summary>
    private const int FewRows = 8;

    /// <summary>Positions of a page, as in heads.cuh.</summary>
    private const int PageKeys = 16;

    private const int RotaryThreads = 256, AppendWarps = 4, JoinThreads = 256;

    private readonly Dictionary<(int HeadDim, DType KvType), AttentionKernels> _attention = [];
    private Kernel? _rotaryAngles;

    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin)
    {
        var (rows, half) = (batch.TokenCount, frequencies.Shape[0]);
        if (rows == 0) return;
        _rotaryAngles ??= LoadKernels("Ops/Attention/rotary.cu").GetKernel("rotary_angles", overlaps: true);
        _rotaryAngles.Launch(_stream, (rows * half + RotaryThreads - 1) / RotaryThreads, RotaryThreads, 0,
            Rows.Positions, rows, frequencies.Address, half, scale, cosSin.Address);
    }

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads)
    {
        if (batch.TokenCount == 0) return;
        CheckAttention(p, pages);
        var call = new AttentionCall(p, projected.Address, cosSin.Address, pages, heads.Address, batch.SequenceCount);
        var kernels = KernelsFor(p.HeadDim, pages.Keys.Type);
        if (batch.MostRows <= FewRows)
        {
            var fewest = (batch.TokenCount + batch.SequenceCount - 1) / batch.SequenceCount;
            Attend(kernels, call, new AttendedRows(batch.TokenCount, batch.SequenceCount, 1, int.MaxValue), fewest, append: true);
            return;
        }

        AppendHeads(kernels, call, batch.TokenCount);
        var few = AttendedRows.UpTo(FewRows, batch);
        if (few.Sequences > 0) Attend(kernels, call, few, 1, append: false);
        var many = new AttendedRows(batch.TokenCount - few.Rows, batch.SequenceCount - few.Sequences, FewRows + 1, int.MaxValue);
        Attend(kernels, call, many, int.MaxValue, append: false);
    }

    private void AppendHeads(AttentionKernels kernels, in AttentionCall call, int rows)
    {
        var p = call.P;
        kernels.AppendHeads.Launch(_stream, (rows * 2 * p.KvHeads + AppendWarps - 1) / AppendWarps, 32 * AppendWarps, 0,
            call.Projected, p.ProjectedWidth, p.QueryWidth, call.CosSin, p.RotaryDim, p.KeyNorm.Address, p.Epsilon, call.Pages.Keys.Address, call.Pages.Values.Address,
            Rows.Positions, Rows.RowSequence, Rows.BlockTable, Rows.BlocksPerSequence, rows, p.KvHeads);
    }

    /// <summary>The one place that chooses the shape of blocks and the number of splits.</summary>
    /// <param name="kernels">Of these sizes.</param>
    /// <param name="call">Arguments of the op.</param>
    /// <param name="rows">Which sequences.</param>
    /// <param name="rowsAtOnce">Rows of a sequence that a block takes at least, if it can.</param>
    /// <param name="append">Whether their keys and values are still to be put into the pages.</param>
    private void Attend(AttentionKernels kernels, in AttentionCall call, AttendedRows rows, int rowsAtOnce, bool append)
    {
        var (p, batch, group) = (call.P, Rows, call.P.QueryHeads / call.P.KvHeads);
        var (attend, shape, sharedBytes) = kernels.Attend((int)Math.Min((long)rowsAtOnce * group, int.MaxValue));
        var rowsPerTile = shape.ProductRows / group;
        if (rowsPerTile == 0) throw new NotSupportedException($"{p.QueryHeads} query heads on {p.KvHeads} KV heads: the attention kernels take up to {shape.ProductRows} on one.");
        // Sequences may be of any lengths: this many tiles are enough for all that have these numbers.
        var tiles = rows.Sequences + (rows.Rows - rows.Sequences) / rowsPerTile;
        var shares = Shares(tiles, _device.Multiprocessors / p.KvHeads, few: rowsAtOnce <= FewRows);
        var parts = tiles + shares;
        var productRows = shares == 0 ? 0 : (long)parts * p.KvHeads * shape.ProductRows;
        var stats = productRows == 0 ? 0 : Scratch(productRows * (p.HeadDim + 2) * sizeof(float));
        var sums = stats + (nint)(productRows * 2 * sizeof(float));
        var queryStride = p.QueryWidth / p.QueryHeads;
        attend.Launch(_stream, (parts, p.KvHeads), shape.Threads, sharedBytes,
            call.Projected, p.ProjectedWidth, queryStride, p.QueryWidth, append ? 1 : 0, call.CosSin, p.RotaryDim, p.QueryNorm.Address,
            p.KeyNorm.Address, p.Epsilon, call.Pages.Keys.Address, call.Pages.Values.Address, batch.Positions, batch.SequenceStart, batch.BlockTable,
            batch.BlocksPerSequence, call.Sequences, group, rows.Least, rows.Most, shares, call.Heads, stats, sums);
        if (shares == 0) return;
        kernels.JoinSplits.Launch(_stream, (tiles, p.KvHeads, shape.ProductRows), JoinThreads, 0,
            stats, sums, call.Projected, p.ProjectedWidth, queryStride, batch.Positions, batch.SequenceStart, call.Sequences,
            group, rowsPerTile, rows.Least, rows.Most, shares, call.Heads);
    }

    /// <summary>
    /// Into how many shares the keys are split, 0 for none: whole shares for each tile, so that tiles of equal length fill the
    /// <paramref name="wanted"/> blocks of a KV head. Contexts of few rows may be of very different lengths, so there the longest are split as long as
    /// there are not far more tiles than that.
    /// </summary>
    private static int Shares(int tiles, int wanted, bool few)
    {
        var each = wanted / tiles;
        if (few && tiles < 2 * wanted) return Math.Max(each * tiles, (wanted + 1) / 2);
        return each >= 2 ? each * tiles : 0;
    }

    private AttentionKernels KernelsFor(int headDim, DType kvType)
    {
        if (!_attention.TryGetValue((headDim, kvType), out var kernels)) _attention.Add((headDim, kvType), kernels = new AttentionKernels(this, headDim, kvType));
        return kernels;
    }

    private static void CheckAttention(in AttentionParameters p, KvPages pages)
    {
        if (p.HeadDim % 16 != 0 || p.HeadDim > 256) throw new NotSupportedException($"heads of {p.HeadDim} channels: the attention kernels take multiples of 16 up to 256");
        if (p.RotaryDim % 8 != 0) throw new NotSupportedException($"{p.RotaryDim} rotated channels: the attention kernels take multiples of 8");
        if (pages.BlockSize != PageKeys) throw new NotSupportedException($"pages of {pages.BlockSize} positions: the attention kernels take {PageKeys}");
        if (pages.Keys.Type is DType.F16) throw new NotSupportedException("keys and values of type F16: the attention kernels take BF16, F8E4M3 and F32");
    }

    /// <summary>Arguments of one call, as kernels take them.</summary>
    private readonly record struct AttentionCall(AttentionParameters P, nint Projected, nint CosSin, KvPages Pages, nint Heads, int Sequences);

    /// <summary>Those sequences of a batch that have from Least to Most rows, and how many rows in all.</summary>
    private readonly record struct AttendedRows(int Rows, int Sequences, int Least, int Most)
    {
        public static AttendedRows UpTo(int most, Batch batch)
        {
            int rows = 0, sequences = 0;
            for (var n = 0; n < batch.SequenceCount; n++)
            {
                var count = batch.SequenceStart[n + 1] - batch.SequenceStart[n];
                if (count > most) continue;
                rows += count;
                sequences++;
            }
            return new AttendedRows(rows, sequences, 1, most);
        }
    }

    /// <summary>The kernels for one size and type of heads, loaded as they are needed.</summary>
    private sealed class AttentionKernels
    {
        private readonly CudaBackend _backend;
        private readonly int _headDim;
        private readonly DType _kvType;
        private readonly Dictionary<AttendShape, Kernel> _attend = [];

        public AttentionKernels(CudaBackend backend, int headDim, DType kvType)
        {
            (_backend, _headDim, _kvType) = (backend, headDim, kvType);
            var module = backend.LoadKernels("Ops/Attention/attention.cu", AttendShape.HeadDefines(headDim, kvType));
            AppendHeads = module.GetKernel("append_heads", overlaps: true);
            JoinSplits = module.GetKernel("join_splits", overlaps: true);
        }

        public Kernel AppendHeads { get; }

        public Kernel JoinSplits { get; }

        public (Kernel Kernel, AttendShape Shape, int SharedBytes) Attend(int productRows)
        {
            var shape = AttendShape.For(productRows, _headDim, _kvType, _backend._device.MaxSharedBytes);
            if (!_attend.TryGetValue(shape, out var kernel))
            {
                kernel = _backend.LoadKernels("Ops/Attention/attend.cu", shape.Defines(_headDim, _kvType)).GetKernel("attend", overlaps: true);
                _attend.Add(shape, kernel);
            }
            return (kernel, shape, shape.SharedBytes(_headDim, _kvType));
        }
    }
}
