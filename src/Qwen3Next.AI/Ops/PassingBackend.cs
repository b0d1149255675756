using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Another backend, whose ops can be timed, looked at or changed on their way. Each is issued by itself: nothing is replayed.</summary>
/// <param name="inner">Does the work.</param>
/// <param name="owns">Whether it is disposed with this one.</param>
internal abstract class PassingBackend(IBackend inner, bool owns = true) : IBackend
{
    protected IBackend Inner => inner;

    public string Name => inner.Name;

    public bool SharesHostMemory => inner.SharesHostMemory;

    public bool RunsAhead => inner.RunsAhead;

    public long FreeBytes => inner.FreeBytes;

    public DType KvType => inner.KvType;

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

    public virtual void Embed(Tensor table, Batch batch, Tensor x, bool next = false) => inner.Embed(table, batch, x, next);

    public virtual void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) => inner.Norm(x, weight, epsilon, y, column);

    public virtual void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) => inner.RotaryAngles(batch, frequencies, scale, cosSin);

    public virtual void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) => inner.Project(x, parts, y);

    public virtual void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y) => inner.NormProject(x, norm, epsilon, parts, y);

    public virtual void ProjectAdd(Tensor y, LinearWeight w, Tensor x) => inner.ProjectAdd(y, w, x);

    public virtual void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) => inner.Logits(hidden, batch, head, logits);

    public virtual void Sample(Tensor logits, SamplingRows rows) => inner.Sample(logits, rows);

    public virtual ReadOnlySpan<int> ReadTokens(SamplingRows rows) => inner.ReadTokens(rows);

    public virtual void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads) =>
        inner.GatedAttention(p, projected, cosSin, pages, batch, heads);

    public virtual void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto) =>
        inner.DeltaRule(p, projected, states, batch, heads, form);

    public virtual void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x) => inner.FeedForward(p, norm, epsilon, x);

    public void Dispose()
    {
        if (owns) inner.Dispose();
    }
}
