using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Another backend with a clock beside it: every op is issued by itself and timed. Ops then neither overlap nor are replayed, so the sum is more
/// than an ordinary step takes; what it shows is where the time goes.
/// </summary>
internal sealed class ProfilingBackend(IBackend inner) : IBackend
{
    private readonly OpTimes _times = new(inner);

    public string Name => inner.Name;

    public bool SharesHostMemory => inner.SharesHostMemory;

    public bool RunsAhead => inner.RunsAhead;

    public long FreeBytes => inner.FreeBytes;

    public DType KvType => inner.KvType;

    /// <summary>Sums of the ops since the last call.</summary>
    public IReadOnlyList<Qwen3NextOpTime> TakeTimes() => _times.Take();

    public Tensor Allocate(DType type, Shape shape) => inner.Allocate(type, shape);

    public DType MatrixType(DType stored, bool mayNarrow) => inner.MatrixType(stored, mayNarrow);

    public Tensor Place(Tensor host) => inner.Place(host);

    public LinearWeight Place(LinearWeight host, bool mayNarrow = false) => inner.Place(host, mayNarrow);

    public void Load(Batch batch) => inner.Load(batch);

    public void Run(in StepShape shape, Action compute) => compute();

    public void Clear(Tensor tensor) => inner.Clear(tensor);

    public void Copy(Tensor source, Tensor destination) => inner.Copy(source, destination);

    public void Write(ReadOnlySpan<float> source, Tensor destination) => inner.Write(source, destination);

    public Span<float> Read(Tensor source) => inner.Read(source);

    public void Mark() => inner.Mark();

    public double[] TakeMarks() => inner.TakeMarks();

    public double MeasureReadRate() => inner.MeasureReadRate();

    public void Embed(Tensor table, Batch batch, Tensor x, bool next = false) =>
        _times.Time("small", 2.0 * x.Bytes, 0, () => inner.Embed(table, batch, x, next));

    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) =>
        _times.Time("small", 2.0 * x.Bytes, 0, () => inner.Norm(x, weight, epsilon, y, column));

    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) =>
        _times.Time("small", cosSin.Bytes, 0, () => inner.RotaryAngles(batch, frequencies, scale, cosSin));

    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        var copy = parts.ToArray();
        _times.Time("projections", Bytes(copy) + x.Bytes + y.Bytes, Operations(x, copy), () => inner.Project(x, copy, y));
    }

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        var copy = parts.ToArray();
        _times.Time("projections", Bytes(copy) + x.Bytes + y.Bytes, Operations(x, copy), () => inner.NormProject(x, norm, epsilon, copy, y));
    }

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) =>
        _times.Time("projections", w.Bytes + y.Bytes + 2.0 * x.Bytes, Operations(y, [w]), () => inner.ProjectAdd(y, w, x));

    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) =>
        _times.Time("logits", head.Bytes + logits.Bytes, 2.0 * batch.LogitCount * head.Weight.Shape.Elements, () => inner.Logits(hidden, batch, head, logits));

    public void Sample(Tensor logits, SamplingRows rows) =>
        _times.Time("sampling", rows.Count * (double)rows.TokenIds * sizeof(float), 0, () => inner.Sample(logits, rows));

    public ReadOnlySpan<int> ReadTokens(SamplingRows rows) => inner.ReadTokens(rows);

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads)
    {
        // Keys and values are read once per sequence at least; each row meets all positions up to its own.
        double cached = 0, met = 0;
        for (var n = 0; n < batch.SequenceCount; n++) if (batch.SequenceStart[n + 1] > batch.SequenceStart[n]) cached += batch.Positions[batch.SequenceStart[n + 1] - 1] + 1;
        for (var t = 0; t < batch.TokenCount; t++) met += batch.Positions[t] + 1;
        var parameters = p;
        _times.Time("attention", cached * 2 * p.KvHeads * p.HeadDim * pages.Keys.Type.Size() + projected.Bytes + heads.Bytes,
            met * 4 * p.QueryHeads * p.HeadDim, () => inner.GatedAttention(parameters, projected, cosSin, pages, batch, heads));
    }

    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto)
    {
        double state = (double)p.ValueHeads * p.KeyDim * p.ValueDim;
        var parameters = p;
        _times.Time("delta rule", 2 * batch.SequenceCount * state * sizeof(float) + projected.Bytes + heads.Bytes,
            batch.TokenCount * 8 * state, () => inner.DeltaRule(parameters, projected, states, batch, heads, form));
    }

    public void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
    {
        double tokens = x.Shape[0], bytes = 2.0 * x.Bytes + (p.Router?.Bytes ?? 0), parameters = p.Router?.Weight.Shape.Elements ?? 0;
        if (p.Shared is { } shared) (bytes, parameters) = (bytes + Bytes(shared), parameters + Elements(shared));
        if (p.Experts.Length > 0)
        {
            // Of E experts, T tokens that choose evenly meet E (1 - (1 - k/E)^T).
            var met = p.Experts.Length * (1 - Math.Pow(1 - (double)p.ActiveExperts / p.Experts.Length, tokens));
            (bytes, parameters) = (bytes + met * Bytes(p.Experts[0]), parameters + p.ActiveExperts * Elements(p.Experts[0]));
        }
        _times.Time("experts", bytes, 2 * tokens * parameters, () => inner.FeedForward(p, norm, epsilon, x));
    }

    /// <summary>Leaves the other backend alive.</summary>
    public void Dispose() { }

    private static double Bytes(LinearWeight[] parts) => parts.Sum(part => part.Bytes);

    private static double Bytes(SwiGlu network) => network.Gate.Bytes + network.Up.Bytes + network.Down.Bytes;

    private static double Elements(SwiGlu network) => 3.0 * network.Gate.Weight.Shape.Elements;

    private static double Operations(Tensor x, LinearWeight[] parts) => 2.0 * x.Shape[0] * parts.Sum(part => part.Weight.Shape.Elements);
}
