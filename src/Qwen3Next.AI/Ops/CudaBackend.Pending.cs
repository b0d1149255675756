using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Ops without kernels yet; each line goes when its family's .Cuda.cs comes.</summary>
internal sealed partial class CudaBackend
{
    public void Embed(Tensor table, Batch batch, Tensor x, bool next = false) => throw Pending();

    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0) => throw Pending();

    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) => throw Pending();

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y) => throw Pending();

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) => throw Pending();

    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits) => throw Pending();

    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin) => throw Pending();

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads) => throw Pending();

    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto) => throw Pending();

    public void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x) => throw Pending();

    private static NotSupportedException Pending([System.Runtime.CompilerServices.CallerMemberName] string op = "") => new($"CUDA has no kernels for {op} yet.");
}
