using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// What a device must be able to compute. Ops are coarse, so that a backend may fuse inside them; each family's folder holds its
/// contract (equation, shapes) and one file per backend. Activations are F32 [T, width], widths multiples of 8; weights keep their stored type.
/// Used by one thread at a time.
/// </summary>
internal partial interface IBackend : IDisposable
{
    /// <summary>For logs, as in "CPU, 2 threads".</summary>
    string Name { get; }

    /// <summary>Zeroed memory of the device, freed with the backend.</summary>
    Tensor Allocate(DType type, Shape shape);
}
