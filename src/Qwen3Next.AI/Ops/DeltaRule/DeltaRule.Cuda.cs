using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Certain rows of a sequence from which chunks are faster than rows. More than recorded steps have, so that those are always recurrent.</summary>
    private const int ChunkedFrom = 16;

    /// <summary>Chunk slots whose tiles are in scratch memory at a time: about what the L2 cache holds at 32 heads of 128 x 128.</summary>
    private const int SegmentSlots = 16;

    private readonly Dictionary<(int KeyDim, int ValueDim, int Taps), DeltaRuleKernels> _deltaRule = [];

    // [sequences, Hk] unsigned counters of blocks that have come so far; 0 between launches.
    private Tensor _deltaArrivals;

    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto)
    {
        if (batch.SequenceCount == 0) return;
        var key = (p.KeyDim, p.ValueDim, p.Conv.Shape[0]);
        if (!_deltaRule.TryGetValue(key, out var kernels)) _deltaRule.Add(key, kernels = new DeltaRuleKernels(this, p.KeyDim, p.ValueDim, p.Conv.Shape[0]));

        var chunkedFrom = form switch { _ when kernels.Chunked is null => int.MaxValue, DeltaRuleForm.Recurrent => int.MaxValue, DeltaRuleForm.Chunked => 1, _ => ChunkedFrom };
        var chunked = 0;
        for (var n = 0; n < batch.SequenceCount; n++)
            if (batch.SequenceStart[n + 1] - batch.SequenceStart[n] - batch.Drafts[n] >= chunkedFrom) chunked++;
        if (chunked > 0) RunChunks(kernels.Chunked!, p, projected, states, batch, heads, chunkedFrom, chunked);

        var (rows, drafts) = (Rows, states.Drafts);
        kernels.Recurrent.Launch(_stream, (p.ValueHeads, batch.SequenceCount), kernels.RecurrentThreads, 0,
            projected.Address, p.Conv.Address, p.NegExpA.Address, p.DtBias.Address, p.Norm.Address, p.Epsilon, states.Recurrent.Address, states.Conv.Address,
            states.Conv.Shape[1], drafts.Keys.Address, drafts.Corrections.Address, drafts.Decays.Address, DraftRoom(drafts), rows.SequenceStart, rows.StateSlots,
            rows.Drafts, rows.KeptDrafts, Arrivals(batch.StateSlots.Length * p.KeyHeads), p.KeyHeads, p.ValueHeads, chunkedFrom, heads.Address);
    }

    /// <summary>Kept drafts and certain rows of the sequences that have many.</summary>
    private void RunChunks(DeltaRuleChunkKernels kernels, in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, int chunkedFrom, int chunked)
    {
        var (rows, drafts) = (Rows, states.Drafts);
        var slots = batch.TokenCount / DeltaRuleChunkKernels.ChunkRows + batch.SequenceCount;
        var tiles = Scratch(Math.Min(slots, SegmentSlots) * kernels.SlotBytes(p));
        // Sequences that share a segment run side by side.
        var warps = ChunkWarps(p, Math.Min(chunked, (SegmentSlots * chunked + slots - 1) / slots));
        for (var from = 0; from < slots; from += SegmentSlots)
        {
            var count = Math.Min(SegmentSlots, slots - from);
            kernels.Prepare.Launch(_stream, (count, p.KeyHeads), DeltaRuleChunkKernels.PrepareThreads, kernels.PrepareSharedBytes,
                projected.Address, p.Conv.Address, p.NegExpA.Address, p.DtBias.Address, states.Conv.Address, states.Conv.Shape[1], rows.SequenceStart, rows.StateSlots,
                rows.Drafts, rows.KeptDrafts, batch.SequenceCount, p.KeyHeads, p.ValueHeads, chunkedFrom, from, tiles);
            kernels.Run.Launch(_stream, (p.ValueDim / (16 * warps), p.ValueHeads, batch.SequenceCount), 32 * warps, kernels.RunSharedBytes,
                states.Recurrent.Address, drafts.Keys.Address, drafts.Corrections.Address, drafts.Decays.Address, DraftRoom(drafts), rows.SequenceStart, rows.StateSlots,
                rows.Drafts, rows.KeptDrafts, p.KeyHeads, p.ValueHeads, chunkedFrom, from, count, tiles, heads.Address);
            kernels.Norm.Launch(_stream, DeltaRuleChunkKernels.NormBlocks(count, p.ValueHeads), DeltaRuleChunkKernels.NormThreads, 0,
                projected.Address, p.Norm.Address, p.Epsilon, rows.SequenceStart, rows.StateSlots, rows.Drafts, rows.KeptDrafts, batch.SequenceCount, p.KeyHeads,
                p.ValueHeads, chunkedFrom, from, heads.Address);
        }
    }

    /// <summary>Warps of a block, 16 value channels each: all of a head share its tiles, unless that leaves multiprocessors without work.</summary>
    /// <param name="p">Heads.</param>
    /// <param name="sequences">At a time.</param>
    private int ChunkWarps(in DeltaRuleParameters p, int sequences)
    {
        var warps = p.ValueDim / 16;
        while (warps > 8 || (warps > 2 && warps % 2 == 0 && p.ValueDim / (16 * warps) * p.ValueHeads * sequences < _device.Multiprocessors))
            warps = warps % 2 == 0 ? warps / 2 : 1;
        return warps;
    }

    private nint Arrivals(int count)
    {
        if (_deltaArrivals.IsEmpty || _deltaArrivals.Shape[0] < count) _deltaArrivals = Allocate(DType.F32, new Shape(count));
        return _deltaArrivals.Address;
    }

    private static int DraftRoom(in DeltaDrafts drafts) => drafts.Keys.IsEmpty ? 0 : drafts.Keys.Shape[1];
}
