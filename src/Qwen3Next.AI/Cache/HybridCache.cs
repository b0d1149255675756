using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Cache;

/// <summary>What sequences remember, layer by layer: paged keys and values for attention, a state slot for DeltaNet. All of it is allocated here, once.</summary>
internal sealed class HybridCache
{
    /// <summary>Positions per KV block.</summary>
    public const int BlockSize = 16;

    private readonly KvPages[] _pages;
    private readonly DeltaStates[] _states;

    public HybridCache(IBackend backend, CacheLayout layout, int blocks, int slots)
    {
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

    public KvBlockPool Blocks { get; }

    public DeltaStatePool Slots { get; }

    public KvPages Pages(int layer) => _pages[layer];

    public DeltaStates States(int layer) => _states[layer];
}
