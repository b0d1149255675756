using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>y[t] = concat over parts of W_part x[t].</summary>
    /// <param name="x">[T, K] F32.</param>
    /// <param name="parts">Matrices [N_i, K], outputs side by side.</param>
    /// <param name="y">[T, sum of N_i] F32.</param>
    void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y);

    /// <summary>y[t] = concat over parts of W_part norm(x[t]): the projection into a mixer with the norm before it.</summary>
    /// <param name="x">[T, K] F32 residual stream.</param>
    /// <param name="norm">[K] F32 weight of the norm; see <see cref="Norm"/>.</param>
    /// <param name="epsilon">Of the norm.</param>
    /// <param name="parts">Matrices [N_i, K].</param>
    /// <param name="y">[T, sum of N_i] F32.</param>
    void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y);

    /// <summary>x[t] += W y[t]: the projection out of a mixer with the residual.</summary>
    /// <param name="y">[T, K] F32.</param>
    /// <param name="w">[D, K].</param>
    /// <param name="x">[T, D] F32, updated.</param>
    void ProjectAdd(Tensor y, LinearWeight w, Tensor x);
}
