using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Another backend with a clock beside it: every op is issued by itself and timed. Ops then neither overlap nor are replayed, so the sum is more
/// than an ordinary step takes; what it shows is where the time goes.
/// </summary>
internal sealed class ProfilingBackend(IBackend inner) : PassingBackend(inner, owns: false)
{
    private readonly OpTimes _times = new(inner);

    /// <summary>Sums of the ops since the last call.</summary>
    public IReadOnlyList<Qwen3NextOpTime> TakeTimes() => _times.Take();

    public override void Embed(Tensor table, Batch batch, Tensor x, bool next = false) =>
        _times.Time("small", 2.0 * x.Bytes, 0, () => Inner.Embed(table, batch, x, next));

    public override void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) =>
        _times.Time("small", 2.0 * x.Bytes, 0, () => Inner.Norm(x, weight, epsilon, y, column));

    public override void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) =>
        _times.Time("small", cosSin.Bytes, 0, () => Inner.RotaryAngles(batch, frequencies, scale, cosSin));

    public override void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        var copy = parts.ToArray();
        _times.Time("projections", Bytes(copy) + x.Bytes + y.Bytes, Operations(x, copy), () => Inner.Project(x, copy, y));
    }

    public override void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        var copy = parts.ToArray();
        _times.Time("projections", Bytes(copy) + x.Bytes + y.Bytes, Operations(x, copy), () => Inner.NormProject(x, norm, epsilon, copy, y));
    }

    public override void ProjectAdd(Tensor y, LinearWeight w, Tensor x) =>
        _times.Time("projections", w.Bytes + y.Bytes + 2.0 * x.Bytes, Operations(y, [w]), () => Inner.ProjectAdd(y, w, x));

    public override void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) =>
        _times.Time("logits", head.Bytes + logits.Bytes, 2.0 * batch.LogitCount * head.Weight.Shape.Elements, () => Inner.Logits(hidden, batch, head, logits));

    public override void Sample(Tensor logits, SamplingRows rows) =>
        _times.Time("sampling", rows.Count * (double)rows.TokenIds * sizeof(float), 0, () => Inner.Sample(logits, rows));

    public override void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads)
    {
        // Keys and values are read once per sequence at least; each row meets all positions up to its own.
        double cached = 0, met = 0;
        for (var n = 0; n < batch.SequenceCount; n++) if (batch.SequenceStart[n + 1] > batch.SequenceStart[n]) cached += batch.Positions[batch.SequenceStart[n + 1] - 1] + 1;
        for (var t = 0; t < batch.TokenCount; t++) met += batch.Positions[t] + 1;
        var parameters = p;
        _times.Time("attention", cached * 2 * p.KvHeads * p.HeadDim * pages.Keys.Type.Size() + projected.Bytes + heads.Bytes,
            met * 4 * p.QueryHeads * p.HeadDim, () => Inner.GatedAttention(parameters, projected, cosSin, pages, batch, heads));
    }

    public override void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto)
    {
        double state = (double)p.ValueHeads * p.KeyDim * p.ValueDim;
        var parameters = p;
        _times.Time("delta rule", 2 * batch.SequenceCount * state * sizeof(float) + projected.Bytes + heads.Bytes,
            batch.TokenCount * 8 * state, () => Inner.DeltaRule(parameters, projected, states, batch, heads, form));
    }

    public override void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
    {
        double tokens = x.Shape[0], bytes = 2.0 * x.Bytes + (p.Router?.Bytes ?? 0), parameters = p.Router?.Weight.Shape.Elements ?? 0;
        if (p.Shared is { } shared) (bytes, parameters) = (bytes + Bytes(shared), parameters + Elements(shared));
        if (p.Experts.Length > 0)
        {
            // Of E experts, T tokens that choose evenly meet E (1 - (1 - k/E)^T).
            var met = p.Experts.Length * (1 - Math.Pow(1 - (double)p.ActiveExperts / p.Experts.Length, tokens));
            (bytes, parameters) = (bytes + met * Bytes(p.Experts[0]), parameters + p.ActiveExperts * Elements(p.Experts[0]));
        }
        _times.Time("experts", bytes, 2 * tokens * parameters, () => Inner.FeedForward(p, norm, epsilon, x));
    }

    private static double Bytes(LinearWeight[] parts) => parts.Sum(part => part.Bytes);

    private static double Bytes(SwiGlu network) => network.Gate.Bytes + network.Up.Bytes + network.Down.Bytes;

    private static double Elements(SwiGlu network) => 3.0 * network.Gate.Weight.Shape.Elements;

    private static double Operations(Tensor x, LinearWeight[] parts) => 2.0 * x.Shape[0] * parts.Sum(part => part.Weight.Shape.Elements);
}
