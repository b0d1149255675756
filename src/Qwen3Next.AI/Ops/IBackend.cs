using Qwen3Next.AI.Ops.Linear;
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

    /// <summary>Weights are used where the host has them; otherwise they are copied, and the host's copy is not needed afterwards.</summary>
    bool SharesHostMemory { get; }

    /// <summary>Bytes of memory that a plan may use; weights that are shared with the host take none of it.</summary>
    long FreeBytes { get; }

    /// <summary>What keys and values are kept in.</summary>
    DType KvType { get; }

    /// <summary>Zeroed memory of the device, freed with the backend.</summary>
    Tensor Allocate(DType type, Shape shape);

    /// <summary>The type that a placed matrix has.</summary>
    /// <param name="stored">Its type in the checkpoint.</param>
    /// <param name="mayNarrow">As for <see cref="Place(LinearWeight, bool)"/>.</param>
    DType MatrixType(DType stored, bool mayNarrow);

    /// <summary>A weight where ops can read it, in its stored type; a device that shares the host's memory returns the tensor itself.</summary>
    Tensor Place(Tensor host);

    /// <summary>A matrix where and as ops read it: the stored values, or their nearest in a type that the device multiplies.</summary>
    /// <param name="host">As stored.</param>
    /// <param name="mayNarrow">Its model tolerates 8 bits; whether they are used is the backend's choice.</param>
    LinearWeight Place(LinearWeight host, bool mayNarrow = false);

    /// <summary>Makes the host's arrays of a batch known to the ops that follow. Called before the first op of a step and after every later change.</summary>
    void Load(Batch batch);

    /// <summary>
    /// Calls a function that issues ops, or replays what it issued before for the same shape: it must issue the same ops with the same
    /// addresses for equal shapes, and differ only by what <see cref="Load"/> was given.
    /// </summary>
    void Run(in StepShape shape, Action compute);

    /// <summary>Zeroes memory of the device, after the ops already issued and before those to come.</summary>
    void Clear(Tensor tensor);

    /// <summary>Copies between tensors of the device of equal size, in order with the ops.</summary>
    void Copy(Tensor source, Tensor destination);

    /// <summary>Copies from the host to a tensor of the device, in order with the ops; the source may be changed afterwards.</summary>
    void Write(ReadOnlySpan<float> source, Tensor destination);

    /// <summary>Waits for the ops already issued and gives the values of an F32 tensor, in host memory that is valid until the next call.</summary>
    Span<float> Read(Tensor source);

    /// <summary>Notes when the ops issued so far end.</summary>
    void Mark();

    /// <summary>Waits for the ops already issued, gives the seconds between consecutive marks, and forgets them.</summary>
    double[] TakeMarks();
}

/// <summary>What decides which ops a short step issues, and their sizes.</summary>
/// <param name="Part">Number of the function among those that the caller runs.</param>
/// <param name="Tokens">T.</param>
/// <param name="Sequences">N.</param>
internal readonly record struct StepShape(int Part, int Tokens, int Sequences);
