using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops.Linear;

/// <summary>What matrices are multiplied with on a device: rows of x, chosen and normalised on the way.</summary>
/// <param name="X">[any, K] F32.</param>
/// <param name="Count">Rows, T.</param>
internal readonly record struct LinearInput(Tensor X, int Count)
{
    /// <summary>Address of [T] int32, the rows of x; 0 takes the first T.</summary>
    public nint Gather { get; init; }

    /// <summary>Address of the norm's weight [K] F32; 0 takes x as it is.</summary>
    public nint Norm { get; init; }

    /// <summary>Of the norm.</summary>
    public float Epsilon { get; init; }

    public int Width => X.Shape[1];
}
