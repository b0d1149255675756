using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Cache;

/// <summary>What sequences remember, layer by layer: paged keys and values for attention, a state slot for DeltaNet. All of it is allocated here, once.</summary>
internal sealed class HybridCache
{
    /// <summary>Positions per KV block.</summary>
    public const int BlockSize = 16;

    private readonly IBackend _backend;
    private readonly KvPages[] _pages;
    private readonly DeltaStates[] _states;

    public HybridCache(IBackend backend, CacheLayout layout, int blocks, int slots)
    {
        (_backend, Layout) = (backend, layout);
        _pages = new KvPages[layout.IsAttention.Count];
        _states = new DeltaStates[layout.IsAttention.Count];
        for (var layer = 0; layer < _pages.Length; layer++)
        {
            if (layout.IsAttention[layer])
            {
                var shape = new Shape(blocks, layout.KvHeads, BlockSize, layout.HeadDim);
                _pages[layer] = new KvPages(backend.Allocate(layout.KvType, shape), backend.Allocate(layout.KvType, shape));
            }
            else
            {
                _states[layer] = new DeltaStates(
                    backend.Allocate(DType.F32, new Shape(slots, layout.ValueHeads, layout.KeyDim, layout.ValueDim)),
                    backend.Allocate(DType.F32, new Shape(slots, layout.ConvInputs + layout.MaxDrafts, layout.ConvChannels)),
                    layout.MaxDrafts == 0 ? default : new DeltaDrafts(
                        backend.Allocate(DType.F32, new Shape(slots, layout.MaxDrafts, layout.KeyHeads, layout.KeyDim)),
                        backend.Allocate(DType.F32, new Shape(slots, layout.MaxDrafts, layout.ValueHeads, layout.ValueDim)),
                        backend.Allocate(DType.F32, new Shape(slots, layout.MaxDrafts, layout.ValueHeads))));
            }
        }
        Blocks = new KvBlockPool(blocks, BlockSize);
        Slots = new DeltaStatePool(backend, slots, [.. _states.Where(s => !s.Recurrent.IsEmpty)]);
    }

    public CacheLayout Layout { get; }

    public KvBlockPool Blocks { get; }

    public DeltaStatePool Slots { get; }

    public KvPages Pages(int layer) => _pages[layer];

    public DeltaStates States(int layer) => _states[layer];

    public void CopyBlock(int from, int to)
    {
        foreach (var pages in _pages)
        {
            if (pages.Keys.IsEmpty) continue;
            _backend.Copy(pages.Keys.Rows(from, 1), pages.Keys.Rows(to, 1));
            _backend.Copy(pages.Values.Rows(from, 1), pages.Values.Rows(to, 1));
        }
    }

    /// <summary>Bytes of an <see cref="CacheImage"/> of so many blocks.</summary>
    public long ImageBytes(int blocks) => Layout.BytesPerState + blocks * Layout.BytesPerBlock;

    /// <summary>Visits a slot's state and some blocks piece by piece, always in the same order; each piece is one run of memory, seen as F32.</summary>
    public void Visit(int slot, ReadOnlySpan<int> blocks, Action<IBackend, Tensor> piece)
    {
        foreach (var layer in _states)
        {
            if (layer.Recurrent.IsEmpty) continue;
            piece(_backend, layer.Recurrent.Rows(slot, 1));
            piece(_backend, layer.Conv.At(slot).Rows(0, Layout.ConvInputs));
        }
        foreach (var pages in _pages)
        {
            if (pages.Keys.IsEmpty) continue;
            VisitRuns(pages.Keys, blocks, piece);
            VisitRuns(pages.Values, blocks, piece);
        }
    }

    // Blocks that were taken together mostly lie together: few copies instead of many.
    private void VisitRuns(Tensor pages, ReadOnlySpan<int> blocks, Action<IBackend, Tensor> piece)
    {
        for (var start = 0; start < blocks.Length;)
        {
            var count = 1;
            while (start + count < blocks.Length && blocks[start + count] == blocks[start] + count) count++;
            var run = pages.Rows(blocks[start], count);
            piece(_backend, new Tensor(run.Address, DType.F32, new Shape(checked((int)(run.Bytes / sizeof(float))))));
            start += count;
        }
    }
}
