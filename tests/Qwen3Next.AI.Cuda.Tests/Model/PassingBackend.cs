using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>Another backend, whose ops on the residual stream can be looked at or changed. What is issued is not replayed.</summary>
internal class PassingBackend(IBackend inner) : IBackend
{
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

    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) => inner.Norm(x, weight, epsilon, y, column);

    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) => inner.RotaryAngles(batch, frequencies, scale, cosSin);

    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) => inner.Project(x, parts, y);

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y) => inner.NormProject(x, norm, epsilon, parts, y);

    public virtual void ProjectAdd(Tensor y, LinearWeight w, Tensor x) => inner.ProjectAdd(y, w, x);

    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) => inner.Logits(hidden, batch, head, logits);

    public void Sample(Tensor logits, SamplingRows rows) => inner.Sample(logits, rows);

    public ReadOnlySpan<int> ReadTokens(SamplingRows rows) => inner.ReadTokens(rows);

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads) =>
        inner.GatedAttention(p, projected, cosSin, pages, batch, heads);

    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto) =>
        inner.DeltaRule(p, projected, states, batch, heads, form);

    public virtual void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x) => inner.FeedForward(p, norm, epsilon, x);

    public void Dispose() => inner.Dispose();
}
