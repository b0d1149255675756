namespace Qwen3Next.AI.Tensors;

/// <summary>
/// A dense row-major view of memory that somebody else owns: a mapped file, a <see cref="NativeBuffer"/> or a device allocation.
/// It stays valid only while that owner lives. A value type, so that a step can slice tensors without allocating.
/// </summary>
internal readonly unsafe record struct Tensor(nint Address, DType Type, Shape Shape)
{
    public long Bytes => Shape.Elements * Type.Size();

    public bool IsEmpty => Address == 0;

    public float* F32 => Type == DType.F32 ? (float*)Address : throw new InvalidOperationException($"tensor is {Type}, not F32");

    public Span<float> AsSpan() => new(F32, checked((int)Shape.Elements));

    /// <summary>Rows <paramref name="start"/> to start + count of the outermost dimension.</summary>
    public Tensor Rows(int start, int count)
    {
        if (start < 0 || count < 0 || start + count > Shape[0])
            throw new ArgumentOutOfRangeException(nameof(start), $"rows {start} to {start + count} of {Shape}");
        var stride = Shape[0] == 0 ? 0 : Bytes / Shape[0];
        Span<int> dimensions = stackalloc int[Shape.Rank];
        dimensions[0] = count;
        for (var i = 1; i < dimensions.Length; i++) dimensions[i] = Shape[i];
        return new Tensor(Address + (nint)(start * stride), Type, new Shape(dimensions));
    }

    /// <summary>Element <paramref name="index"/> of the outermost dimension, which the result no longer has.</summary>
    public Tensor At(int index)
    {
        var row = Rows(index, 1);
        Span<int> dimensions = stackalloc int[Shape.Rank - 1];
        for (var i = 0; i < dimensions.Length; i++) dimensions[i] = Shape[i + 1];
        return row with { Shape = new Shape(dimensions) };
    }

    /// <summary>The same elements under another shape.</summary>
    public Tensor Reshape(Shape shape) => shape.Elements == Shape.Elements
        ? this with { Shape = shape }
        : throw new ArgumentException($"{Shape} cannot be read as {shape}", nameof(shape));

    /// <summary>For messages. The one that a record has by itself would read <see cref="F32"/>, and a pointer cannot be printed ahead of time.</summary>
    public override string ToString() => $"{Type} {Shape} at 0x{Address:x}";
}
