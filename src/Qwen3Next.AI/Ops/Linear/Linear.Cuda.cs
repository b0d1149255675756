using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int MostParts = 3;
    private const int RowsThreads = 512, RowsGroup = 16, RowsStaticBytes = 1152, MostStreamedRows = 8;

    /// <summary>Depths of the rings through which weights come: the shallow one where a block has too little shared memory.</summary>
    private const int ShallowRing = 2, DeepRing = 3;

    private Kernel? _projectRows, _projectRowsDeep;

    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) => Multiply(new LinearInput(x, x.Shape[0]), parts, y);

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y) =>
        Multiply(new LinearInput(x, x.Shape[0]) { Norm = norm.Address, Epsilon = epsilon }, parts, y);

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) => Multiply(new LinearInput(y, y.Shape[0]), [w], x, add: true);

    /// <summary>y[t] = concat over parts of W_part x[t], or y[t] += that: the one place that chooses between the kernels.</summary>
    private void Multiply(in LinearInput x, ReadOnlySpan<LinearWeight> parts, Tensor y, bool add = false)
    {
        if (x.Count == 0) return;
        CheckParts(parts, x.Width);
        var deep = FitsShared(x, DeepRing, _device.MaxSharedBytes);
        if (x.Count <= MostStreamedRows && FitsShared(x, deep ? DeepRing : ShallowRing, _device.MaxSharedBytes)) MultiplyRows(x, parts, y, add, deep);
        else MultiplyTiles(x, parts, y, add);
    }

    private void MultiplyRows(in LinearInput x, ReadOnlySpan<LinearWeight> parts, Tensor y, bool add, bool deep)
    {
        ref var kernel = ref deep ? ref _projectRowsDeep : ref _projectRows;
        var ring = deep ? DeepRing : ShallowRing;
        kernel ??= LoadKernels("Ops/Linear/linear.cu", $"STAGES={ring}").GetKernel("project_rows", overlaps: true);
        var (first, second, third) = Three(parts);
        kernel.Launch(
            _stream, Math.Min(Tiles(parts, RowsGroup), _device.Multiprocessors), RowsThreads, RowsSharedBytes(x, ring),
            first.Weight.Address, first.Scales.Address, first.Out, second.Weight.Address, second.Scales.Address, second.Out,
            third.Weight.Address, third.Scales.Address, third.Out, x.Width,
            x.X.Address, x.Gather, x.Count, x.Norm, x.Epsilon, y.Address, y.Shape[1], add ? 1 : 0);
    }

    /// <summary>Rings of sixteen warps, two turns of their sums for each row, rows as f16 padded to 128 columns and by 16 bytes.</summary>
    private static int RowsSharedBytes(in LinearInput x, int ring) =>
        16 * ring * 2064 + x.Count * (2 * 16 * 20 * sizeof(float) + (x.Width + 127) / 128 * 256 + 16);

    private static bool FitsShared(in LinearInput x, int ring, int bytes) => RowsSharedBytes(x, ring) + RowsStaticBytes <= bytes;

    private static int Tiles(ReadOnlySpan<LinearWeight> parts, int features)
    {
        var tiles = 0;
        foreach (var part in parts) tiles += TileKernels.Count(part.Out, features);
        return tiles;
    }

    private static (LinearWeight First, LinearWeight Second, LinearWeight Third) Three(ReadOnlySpan<LinearWeight> parts) =>
        (parts[0], parts.Length > 1 ? parts[1] : NoPart, parts.Length > 2 ? parts[2] : NoPart);

    private static LinearWeight NoPart => new(new Tensor(0, DType.BF16, new Shape(0, 0)));

    private static void CheckParts(ReadOnlySpan<LinearWeight> parts, int width)
    {
        if (parts.Length is < 1 or > MostParts) throw new ArgumentException($"{parts.Length} matrices in one product; at most {MostParts}", nameof(parts));
        foreach (var part in parts)
        {
            var granule = part.Weight.Type == DType.F8E4M3 ? 16 : 8;
            if (part.Weight.Type is not (DType.BF16 or DType.F8E4M3)) throw new NotSupportedException($"products with weights of type {part.Weight.Type}");
            if (part.In != width || width % granule != 0)
                throw new ArgumentException($"a {part.Weight.Type} matrix {part.Weight.Shape} for rows of {width}: widths must agree and be multiples of {granule}", nameof(parts));
        }
    }
}
