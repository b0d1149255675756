using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Weights;

/// <summary>One tensor that a model needs: its checkpoint name, its shape and what it is for.</summary>
internal readonly record struct TensorSpec(string Name, Shape Shape, TensorRole Role);

/// <summary>What a tensor is for; decides which element types it may have and what stands in for it in generated weights.</summary>
internal enum TensorRole : byte
{
    Embedding,
    Head,

    /// <summary>A projection; may be FP8 with block scales.</summary>
    Matrix,

    /// <summary>A projection of one routed expert; may be FP8 with block scales.</summary>
    Expert,

    /// <summary>Projections of all routed experts of a layer in one tensor.</summary>
    StackedExperts,

    /// <summary>Router, shared-expert gate and the like: too sensitive for 8 bits.</summary>
    SmallMatrix,
    Convolution,

    /// <summary>Norm weight stored without its 1.</summary>
    ZeroCentredNorm,
    Norm,
    LogDecay,
    TimeStepBias,
}

internal static class TensorRoles
{
    public static bool MayBeFloat8(this TensorRole role) => role is TensorRole.Matrix or TensorRole.Expert;

    public static bool IsMatrix(this TensorRole role) => role <= TensorRole.SmallMatrix;
}
