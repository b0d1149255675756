using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>
/// Turns names into tensors for <see cref="WeightMap"/>. One walk over a model serves three purposes: without a checkpoint it lists the tensors a
/// model consists of; with one it checks every header and sums the memory for converted copies; with that memory it fills in the copies.
/// </summary>
internal sealed unsafe class WeightBinder(ICheckpoint? checkpoint, CheckpointNames? names, CancellationToken cancellation = default)
{
    private const int Alignment = 64;

    // Weights of 57,000 would need more; beyond it the kernels' exponent arithmetic would overflow.
    private const float MaxScale = 128;

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private NativeBuffer? _copies;

    public WeightBinder() : this(null, null) { }

    /// <summary>What the model consists of, with the types that the checkpoint has it in.</summary>
    public List<(TensorSpec Spec, DType Stored)> Taken { get; } = [];

    /// <summary>Tensors used where they are mapped.</summary>
    public List<Tensor> Mapped { get; } = [];

    /// <summary>Bytes needed for the copies met so far.</summary>
    public long CopyBytes { get; private set; }

    /// <summary>The checkpoint's names of the tensors taken so far.</summary>
    public IReadOnlySet<string> Used => _used;

    public bool HasMtp => names?.HasMtp ?? true;

    public bool IsBareModel => names?.IsBareModel ?? false;

    /// <summary>Makes this binder the one that fills copies in, into memory that a checking pass has measured.</summary>
    public void CopyInto(NativeBuffer copies) => _copies = copies;

    public bool Has(string name) => names?.Find(name) is not null;

    /// <summary>A tensor as stored.</summary>
    public Tensor Stored(string name, Shape shape, TensorRole role) => Map(Take(name, shape, role));

    /// <summary>A matrix as stored; FP8 comes with its scales in F32.</summary>
    public LinearWeight Matrix(string name, int rows, int columns, TensorRole role)
    {
        var weight = Take(name, new Shape(rows, columns), role);
        return weight.Type == DType.F8E4M3 ? new LinearWeight(Map(weight), Scales(name, weight.Shape)) : new LinearWeight(Map(weight));
    }

    /// <summary>A small tensor in F32, in another shape of as many elements.</summary>
    public Tensor Vector(string name, Shape stored, TensorRole role, Shape shape)
    {
        var source = Take(name, stored, role);
        var copy = Allocate(DType.F32, shape);
        if (_copies is null) return copy;
        var values = copy.AsSpan();
        TensorConvert.ToSingle(source, values);
        if (role == TensorRole.ZeroCentredNorm) foreach (ref var value in values) value += 1;
        if (role == TensorRole.LogDecay) foreach (ref var value in values) value = -MathF.Exp(value);
        return copy;
    }

    /// <summary>The convolution's taps, stored [channels, 1, taps], in F32 as [taps, channels]: a vector of channels lies together.</summary>
    public Tensor ConvTaps(string name, int channels, int taps)
    {
        var source = Take(name, new Shape(channels, 1, taps), TensorRole.Convolution);
        var copy = Allocate(DType.F32, new Shape(taps, channels));
        if (_copies is null) return copy;
        var stored = new float[channels * taps];
        TensorConvert.ToSingle(source, stored);
        for (var i = 0; i < stored.Length; i++) copy.F32[i % taps * channels + i / taps] = stored[i];
        return copy;
    }

    public Tensor Vector(string name, int length, TensorRole role) => Vector(name, new Shape(length), role, new Shape(length));

    /// <summary>
    /// A matrix whose rows come in groups of several parts, copied so that the same part of all groups is contiguous. FP8 scales move along where
    /// parts are whole blocks; otherwise one block holds rows that part, and the matrix is decoded to F32, which loses nothing.
    /// </summary>
    public LinearWeight Regrouped(string name, int columns, TensorRole role, int groups, params ReadOnlySpan<int> parts)
    {
        var rows = 0;
        foreach (var part in parts) rows += part;
        var stored = Take(name, new Shape(groups * rows, columns), role);
        if (stored.Type != DType.F8E4M3) return new LinearWeight(Regroup(stored, groups, parts));
        var scales = Scales(name, stored.Shape);
        Span<int> blocks = stackalloc int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i] % Float8Blocks.Size != 0) return new LinearWeight(RegroupDecoded(stored, scales, groups, parts));
            blocks[i] = parts[i] / Float8Blocks.Size;
        }
        return new LinearWeight(Regroup(stored, groups, parts), Regroup(scales, groups, blocks));
    }

    private Tensor Scales(string name, Shape weight)
    {
        var stored = Take(name + "_scale_inv", Float8Blocks.ScaleShape(weight), role: null);
        var copy = Allocate(DType.F32, stored.Shape);
        if (_copies is null) return copy;
        TensorConvert.ToSingle(stored, copy.AsSpan());
        foreach (var scale in copy.AsSpan())
        {
            if (!(MathF.Abs(scale) < MaxScale))
                throw new CheckpointException($"{checkpoint!.Name}: tensor {name}_scale_inv holds {scale}; block scales are numbers below {MaxScale}. The file may be damaged: fetch it again.");
        }
        return copy;
    }

    private Tensor Regroup(Tensor source, int groups, ReadOnlySpan<int> parts)
    {
        var copy = Allocate(source.Type, source.Shape);
        if (_copies is not null) RowGroups.Regroup(source, copy, groups, parts);
        return copy;
    }

    private Tensor RegroupDecoded(Tensor stored, Tensor scales, int groups, ReadOnlySpan<int> parts)
    {
        var copy = Allocate(DType.F32, stored.Shape);
        if (_copies is null) return copy;
        using var memory = NativeBuffer.For(DType.F32, stored.Shape, out var decoded);
        Float8Blocks.Decode(stored, scales, decoded);
        RowGroups.Regroup(decoded, copy, groups, parts);
        return copy;
    }

    private Tensor Map(Tensor tensor)
    {
        Mapped.Add(tensor);
        return tensor;
    }

    private Tensor Allocate(DType type, Shape shape)
    {
        var offset = CopyBytes;
        CopyBytes += (shape.Elements * type.Size() + Alignment - 1) / Alignment * Alignment;
        return new Tensor(_copies is null ? 0 : _copies.Address + (nint)offset, type, shape);
    }

    // The role is null for scales, which are part of their matrix.
    private Tensor Take(string name, Shape shape, TensorRole? role)
    {
        cancellation.ThrowIfCancellationRequested();
        if (checkpoint is null) return Add(new Tensor(0, DType.BF16, shape));
        var actual = names!.Find(name);
        if (actual is null || !checkpoint.TryGet(actual, out var tensor))
            throw new CheckpointException($"{checkpoint.Name}: tensor {name} {shape} is missing.");
        _used.Add(actual);
        if (tensor.Shape != shape)
            throw new CheckpointException($"{checkpoint.FileOf(actual)}: tensor {actual} is {tensor.Shape}; config.json makes it {shape}.");
        if (tensor.Type == DType.F8E4M3 && role?.MayBeFloat8() != true)
            throw new CheckpointException($"{checkpoint.FileOf(actual)}: tensor {actual} is F8_E4M3; BF16, F16 or F32 is expected here.");
        return Add(tensor);

        Tensor Add(Tensor taken)
        {
            if (role is { } known) Taken.Add((new TensorSpec(name, shape, known), taken.Type));
            return taken;
        }
    }
}
