using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal partial interface IBackend
{
    /// <summary>x[t] = table[tokens[t]]. Specification 3.0.</summary>
    /// <param name="table">[V, D] as stored.</param>
    /// <param name="tokens">[T] ids below V.</param>
    /// <param name="x">[T, D] F32.</param>
    void Embed(Tensor table, ReadOnlySpan<int> tokens, Tensor x);
}
