using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Cache;

/// <summary>What the layers of a model remember, as sizes; the cache needs to know no more of it.</summary>
/// <param name="IsAttention">True: keys and values. False: a DeltaNet state. One value per layer; an MTP layer comes last.</param>
/// <param name="KvHeads">Hkv.</param>
/// <param name="HeadDim">Dh.</param>
/// <param name="KeyHeads">Hk; this and the rest are 0 without DeltaNet layers.</param>
/// <param name="ValueHeads">Hv.</param>
/// <param name="KeyDim">dk.</param>
/// <param name="ValueDim">dv.</param>
/// <param name="ConvInputs">Past inputs that the convolution needs: its taps less one.</param>
/// <param name="ConvChannels">C.</param>
/// <param name="MaxDrafts">W, most drafts of a step; 0 without speculative decoding.</param>
/// <param name="KvType">What keys and values are kept in.</param>
internal sealed record CacheLayout(
    IReadOnlyList<bool> IsAttention, int KvHeads, int HeadDim, int KeyHeads, int ValueHeads, int KeyDim, int ValueDim, int ConvInputs, int ConvChannels, int MaxDrafts,
    DType KvType)
{
    /// <summary>Bytes of one KV block over all attention layers.</summary>
    public long BytesPerBlock => IsAttention.Count(attention => attention) * 2L * KvHeads * HybridCache.BlockSize * HeadDim * KvType.Size();

    /// <summary>Bytes of one state slot over all DeltaNet layers.</summary>
    public long BytesPerSlot => BytesPerState + IsAttention.Count(attention => !attention) * sizeof(float) * MaxDrafts * FloatsPerDraft;

    /// <summary>Bytes of a state over all DeltaNet layers, without room for drafts.</summary>
    public long BytesPerState => IsAttention.Count(attention => !attention) * sizeof(float) * ((long)ValueHeads * KeyDim * ValueDim + (long)ConvInputs * ConvChannels);

    private long FloatsPerDraft => ConvChannels + KeyHeads * KeyDim + ValueHeads * (ValueDim + 1L);
}
