using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Ops without kernels yet; each line goes when its family's .Cuda.cs comes.</summary>
internal sealed partial class CudaBackend
{
    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto) => throw Pending();

    private static NotSupportedException Pending([System.Runtime.CompilerServices.CallerMemberName] string op = "") => new($"CUDA has no kernels for {op} yet.");
}
