using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int AddThreads = 256;

    private TileKernels? _largeTiles, _smallTiles, _narrowTiles;

    /// <summary>
    /// Rows of a step from which FP8 weights are multiplied with rows rounded to FP8 as well, with a scale for each 128 columns: twice the rate of
    /// BF16, where the device has it, for errors up to 2^-4 of every |w x|. Default: never. Ignored before compute capability 8.9.
    /// </summary>
    public int NarrowRowsFrom { get; init; } = int.MaxValue;

    private TileKernels LargeTiles => _largeTiles ??= new TileKernels(LoadKernels(TileKernels.Source, "LARGE=1", "INPUT_BYTES=2"), 128, 2);

    private TileKernels SmallTiles => _smallTiles ??= new TileKernels(LoadKernels(TileKernels.Source, "LARGE=0", "INPUT_BYTES=2"), 64, 2);

    private TileKernels NarrowTiles => _narrowTiles ??= new TileKernels(LoadKernels(TileKernels.Source, "LARGE=1", "INPUT_BYTES=1"), 128, 1);

    private void MultiplyTiles(in LinearInput x, ReadOnlySpan<LinearWeight> parts, Tensor y, bool add)
    {
        if (x.Count < NarrowRowsFrom || _device.ComputeCapability.CompareTo((8, 9)) < 0)
        {
            MultiplyTiles(TilesFor(x.Count, parts), x, parts, y.Address, y.Shape[1], add);
            return;
        }
        var target = y.Address;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts.Slice(i, 1);
            var kernels = part[0].Weight.Type == DType.F8E4M3 ? NarrowTiles : TilesFor(x.Count, part);
            MultiplyTiles(kernels, x, part, target, y.Shape[1], add);
            target += part[0].Out * sizeof(float);
        }
    }

    /// <param name="kernels">Tile size and type of the rounded rows.</param>
    /// <param name="x">Rows.</param>
    /// <param name="parts">Matrices.</param>
    /// <param name="y">Address of the first output.</param>
    /// <param name="stride">From an output row to the next.</param>
    /// <param name="add">To what is there.</param>
    private void MultiplyTiles(TileKernels kernels, in LinearInput x, ReadOnlySpan<LinearWeight> parts, nint y, int stride, bool add)
    {
        var (blocks, features, tokenTiles) = (Blocks(x.Width), 0, TileKernels.Count(x.Count, kernels.Side));
        foreach (var part in parts) features += part.Out;
        var tiles = Tiles(parts, kernels.Side);
        // A split is worth its sums' way through memory only where multiprocessors would be idle, and while it has some columns.
        var splits = features < stride ? 1 : Math.Clamp(2 * _device.Multiprocessors / (tiles * tokenTiles), 1, Math.Max(1, blocks / 2));
        // Rows as matrices of FP8 take them, and as others do.
        bool float8 = kernels.InputBytes == 2 && Has(parts, DType.F8E4M3), others = kernels.InputBytes == 1 || Has(parts, DType.BF16);
        var halvesAt = others ? Aligned((long)x.Count * x.Width * kernels.InputBytes) : 0;
        var scalesAt = halvesAt + (float8 ? Aligned((long)x.Count * x.Width * 2) : 0);
        var sumsAt = scalesAt + Aligned((long)x.Count * blocks * sizeof(float));
        var start = Scratch(sumsAt + (splits == 1 ? 0 : (long)splits * x.Count * features * sizeof(float)));
        nint rounded = others ? start : 0, halves = float8 ? start + (nint)halvesAt : 0, scales = start + (nint)scalesAt;
        var target = splits == 1 ? y : start + (nint)sumsAt;

        kernels.Round.Launch(_stream, x.Count, TileKernels.RoundThreads, 0, x.X.Address, x.Gather, x.Width, x.Norm, x.Epsilon, rounded, halves, scales);
        var (first, second, third) = Three(parts);
        kernels.Project.Launch(
            _stream, (tiles, tokenTiles, splits), kernels.Threads, kernels.SharedBytes,
            first.Weight.Address, first.Scales.Address, first.Out, second.Weight.Address, second.Scales.Address, second.Out,
            third.Weight.Address, third.Scales.Address, third.Out, x.Width,
            rounded, halves, scales, x.Count, target, stride, add && splits == 1 ? 1 : 0);
        if (splits == 1) return;
        var count = (long)x.Count * features;
        kernels.AddSplits.Launch(_stream, (int)((count + AddThreads - 1) / AddThreads), AddThreads, 0, target, splits, count, y, add ? 1 : 0);
    }

    /// <summary>Large tiles read weights and rows least often; small ones keep all multiprocessors busy with few rows.</summary>
    private TileKernels TilesFor(int rows, ReadOnlySpan<LinearWeight> parts) =>
        Tiles(parts, TileKernels.LargeSide) * TileKernels.Count(rows, TileKernels.LargeSide) >= _device.Multiprocessors ? LargeTiles : SmallTiles;

    private static bool Has(ReadOnlySpan<LinearWeight> parts, DType type)
    {
        foreach (var part in parts)
            if (part.Weight.Type == type) return true;
        return false;
    }

    private static int Blocks(int length) => TileKernels.Count(length, Float8Blocks.Size);

    private static long Aligned(long bytes) => (bytes + 255) / 256 * 256;
}
