using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Sizes and small weights of one Gated DeltaNet layer.</summary>
/// <param name="KeyHeads">Hk.</param>
/// <param name="ValueHeads">Hv; value head h reads key head h / (Hv / Hk).</param>
/// <param name="KeyDim">dk.</param>
/// <param name="ValueDim">dv.</param>
/// <param name="Epsilon">Of the output norm.</param>
/// <param name="Conv">[taps, C] F32, C = 2 Hk dk + Hv dv; the last tap meets the current token.</param>
/// <param name="NegExpA">[Hv] F32, -exp(A_log).</param>
/// <param name="DtBias">[Hv] F32.</param>
/// <param name="Norm">[dv] F32, plain weight.</param>
internal readonly record struct DeltaRuleParameters(
    int KeyHeads, int ValueHeads, int KeyDim, int ValueDim, float Epsilon, Tensor Conv, Tensor NegExpA, Tensor DtBias, Tensor Norm)
{
    public int ConvChannels => 2 * KeyHeads * KeyDim + ValueHeads * ValueDim;

    /// <summary>Columns of the raw projection: q, k, v (head by head), z, then b and a of each value head.</summary>
    public int ProjectedWidth => ConvChannels + ValueHeads * ValueDim + 2 * ValueHeads;
}

/// <summary>Per-sequence state of one layer, by slot. Only certain rows and kept drafts are part of it.</summary>
/// <param name="Recurrent">[slots, Hv, dk, dv] F32.</param>
/// <param name="Conv">
/// [slots, taps - 1 + W, C] F32: the last inputs of the convolution, newest last, then the inputs of the last step's drafts. Keeping n drafts
/// moves the window by n rows.
/// </param>
/// <param name="Drafts">What the last step's drafts would add to the recurrent state; empty where no step has drafts.</param>
internal readonly record struct DeltaStates(Tensor Recurrent, Tensor Conv, DeltaDrafts Drafts = default);

/// <summary>
/// By slot, the last step's drafts, so that keeping some of them is S = e^g S + k d^T for each instead of computing them again. W is the most
/// drafts of a step.
/// </summary>
/// <param name="Keys">[slots, W, Hk, dk] F32: k, normed.</param>
/// <param name="Corrections">[slots, W, Hv, dv] F32: d = beta (v - S^T k), with all earlier drafts in S.</param>
/// <param name="Decays">[slots, W, Hv] F32: e^g.</param>
internal readonly record struct DeltaDrafts(Tensor Keys, Tensor Corrections, Tensor Decays);

/// <summary>Which form of the recurrence runs; they differ by rounding only.</summary>
internal enum DeltaRuleForm
{
    /// <summary>Chunked from a few tokens on, recurrent below.</summary>
    Auto,
    Recurrent,
    Chunked,
}

internal partial interface IBackend
{
    /// <summary>
    /// Gated delta rule from the raw projection to gated heads: causal convolution with SiLU, L2 norms of q and k, gates, the recurrence
    /// S = e^g S; d = beta (v - S^T k); S += k d^T; o = S^T q, and the gated norm o / rms(o) * w * silu(z). Specification 3.3 steps 3 to 8,
    /// chunked by 3.4.
    /// <para>Per sequence, in this order: the kept drafts of its previous step enter its states; its certain rows run and advance the states in
    /// place; its drafts run on from there, token by token, and go to <see cref="DeltaStates.Drafts"/> and the end of <see cref="DeltaStates.Conv"/> instead.
    /// Kept drafts leave the state as certain rows would have, to the bit where those run in the recurrent form. Specification 4.4.</para>
    /// </summary>
    /// <param name="p">Sizes and small weights.</param>
    /// <param name="projected">[T, ProjectedWidth] F32.</param>
    /// <param name="states">States of this layer.</param>
    /// <param name="batch">Sequences, their slots and drafts.</param>
    /// <param name="heads">[T, Hv * dv] F32.</param>
    /// <param name="form">Of the certain rows; for tests and measurements.</param>
    void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto);
}
