using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>
    /// RMSNorm, y[t, j] = x[t, j] / sqrt(mean over j of x^2 + epsilon) * weight[j]. Specification 3.1; a zero-centred weight comes with its 1 added.
    /// </summary>
    /// <param name="x">[T, D] F32.</param>
    /// <param name="weight">[D] F32.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">[T, at least column + D] F32; may be x itself.</param>
    /// <param name="column">First column of y to write.</param>
    void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0);
}
