using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>Has memory and computes nothing: what is left of a step is the host's part. All tokens are 1, and each step's are there after a millisecond.</summary>
internal sealed class IdleBackend : IBackend
{
    private readonly CpuBackend _memory = new(1);
    private int[] _tokens = [];

    public string Name => "none";

    public bool SharesHostMemory => true;

    public bool RunsAhead => true;

    public long FreeBytes => _memory.FreeBytes;

    public DType KvType => _memory.KvType;

    public Tensor Allocate(DType type, Shape shape) => _memory.Allocate(type, shape);

    public DType MatrixType(DType stored, bool mayNarrow) => stored;

    public Tensor Place(Tensor host) => host;

    public LinearWeight Place(LinearWeight host, bool mayNarrow = false) => host;

    public void Load(Batch batch) { }

    public void Run(in StepShape shape, Action compute) => compute();

    public void Clear(Tensor tensor) { }

    public void Copy(Tensor source, Tensor destination) { }

    public void Write(ReadOnlySpan<float> source, Tensor destination) { }

    public Span<float> Read(Tensor source) => _memory.Read(source);

    public void Mark() { }

    public double[] TakeMarks() => [];

    public double MeasureReadRate() => 0;

    public void Embed(Tensor table, Batch batch, Tensor x, bool next = false) { }

    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) { }

    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) { }

    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) { }

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y) { }

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) { }

    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) { }

    public void Sample(Tensor logits, SamplingRows rows)
    {
        if (_tokens.Length >= rows.MaxRows) return;
        _tokens = new int[rows.MaxRows];
        Array.Fill(_tokens, 1);
    }

    public ReadOnlySpan<int> ReadTokens(SamplingRows rows)
    {
        Thread.Sleep(1);
        return _tokens.AsSpan(0, rows.Count);
    }

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads) { }

    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto) { }

    public void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x) { }

    public void Dispose() => _memory.Dispose();
}
