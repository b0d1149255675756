using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Cache;

/// <summary>
/// What sequences remember, layer by layer: paged keys and values for attention (the MTP layer included, as the last one), a state slot for
/// DeltaNet. All of it is allocated here, once.
/// </summary>
internal sealed class HybridCache
{
    /// <summary>Positions per KV block.</summary>
    public const int BlockSize = 16;

    private readonly KvPages[] _pages;
    private readonly DeltaStates[] _states;

    public HybridCache(IBackend backend, Qwen3NextConfig config, bool withMtp, int blocks, int slots)
    {
        _pages = new KvPages[config.Layers + (withMtp ? 1 : 0)];
        _states = new DeltaStates[config.Layers];
        for (var layer = 0; layer < _pages.Length; layer++)
        {
            if (layer == config.Layers || config.IsFullAttention(layer))
            {
                var shape = new Shape(blocks, config.KvHeads, BlockSize, config.HeadDim);
                _pages[layer] = new KvPages(backend.Allocate(DType.F32, shape), backend.Allocate(DType.F32, shape));
            }
            else
            {
                _states[layer] = new DeltaStates(
                    backend.Allocate(DType.F32, new Shape(slots, config.ValueHeads, config.KeyHeadDim, config.ValueHeadDim)),
                    backend.Allocate(DType.F32, new Shape(slots, config.ConvKernel - 1, config.ConvChannels)));
            }
        }
        Blocks = new KvBlockPool(blocks, BlockSize);
        Slots = new DeltaStatePool(slots, [.. _states.Where(s => !s.Recurrent.IsEmpty)]);
    }

    public KvBlockPool Blocks { get; }

    public DeltaStatePool Slots { get; }

    public KvPages Pages(int layer) => _pages[layer];

    public DeltaStates States(int layer) => _states[layer];

    /// <summary>Bytes of one block over all attention layers.</summary>
    public static long BytesPerBlock(Qwen3NextConfig config, bool withMtp) =>
        (config.FullAttention.Count(full => full) + (withMtp ? 1L : 0)) * 2 * config.KvHeads * BlockSize * config.HeadDim * sizeof(float);

    /// <summary>Bytes of one state slot over all DeltaNet layers.</summary>
    public static long BytesPerSlot(Qwen3NextConfig config) =>
        config.FullAttention.Count(full => !full) * sizeof(float)
        * ((long)config.ValueHeads * config.KeyHeadDim * config.ValueHeadDim + (config.ConvKernel - 1L) * config.ConvChannels);
}
