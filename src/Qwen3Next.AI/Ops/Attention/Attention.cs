using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Sizes and small weights of one attention layer.</summary>
/// <param name="QueryHeads">Hq.</param>
/// <param name="KvHeads">Hkv; query head h reads KV head h / (Hq / Hkv).</param>
/// <param name="HeadDim">Dh.</param>
/// <param name="RotaryDim">Leading channels that rotate, in pairs (c, c + RotaryDim / 2).</param>
/// <param name="Gated">Each query head is followed by Dh gate channels.</param>
/// <param name="Epsilon">Of the query and key norms.</param>
/// <param name="QueryNorm">[Dh] F32.</param>
/// <param name="KeyNorm">[Dh] F32.</param>
internal readonly record struct AttentionParameters(
    int QueryHeads, int KvHeads, int HeadDim, int RotaryDim, bool Gated, float Epsilon, Tensor QueryNorm, Tensor KeyNorm)
{
    public int QueryWidth => QueryHeads * HeadDim * (Gated ? 2 : 1);

    /// <summary>Columns of the raw projection: queries (with gates), keys, values.</summary>
    public int ProjectedWidth => QueryWidth + 2 * KvHeads * HeadDim;
}

/// <summary>Paged keys and values of one layer, each [blocks, Hkv, BlockSize, Dh] in the backend's KvType.</summary>
internal readonly record struct KvPages(Tensor Keys, Tensor Values)
{
    public int BlockSize => Keys.Shape[2];
}

internal partial interface IBackend
{
    /// <summary>cosSin[t] = cos(p_t w_c) * scale, then sin(p_t w_c) * scale, for each frequency w_c; the angle is one F32 product. Specification 5.</summary>
    /// <param name="batch">Positions p_t.</param>
    /// <param name="frequencies">[R / 2] F32.</param>
    /// <param name="scale">YaRN's attention factor, otherwise 1.</param>
    /// <param name="cosSin">[T, R] F32.</param>
    void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin);

    /// <summary>
    /// Causal attention from the raw projection to gated heads: norm and rotate queries and keys, append keys and values to the pages, attend,
    /// multiply by sigmoid of the gate. Specification 3.2 steps 2 to 6; scale Dh^-1/2.
    /// </summary>
    /// <param name="p">Sizes and norms.</param>
    /// <param name="projected">[T, ProjectedWidth] F32; overwritten as scratch.</param>
    /// <param name="cosSin">[T, R] of <see cref="RotaryAngles"/>.</param>
    /// <param name="pages">Cache of this layer.</param>
    /// <param name="batch">Positions and block tables.</param>
    /// <param name="heads">[T, Hq * Dh] F32.</param>
    void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads);
}
