using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int NormThreads = 256;

    private Kernel? _normRows;

    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0)
    {
        if (x.Shape[0] == 0) return;
        _normRows ??= LoadKernels("Ops/Norm/norm.cu").GetKernel("norm_rows", overlaps: true);
        _normRows.Launch(_stream, x.Shape[0], NormThreads, 0, x.Address, weight.Address, epsilon, x.Shape[1], (nint)(y.F32 + column), y.Shape[1]);
    }
}
