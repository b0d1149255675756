using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    private const int RoundThreads = 256, AddThreads = 256;

    private TileKernels? _largeTiles, _smallTiles;

    private void MultiplyTiles(in LinearInput x, ReadOnlySpan<LinearWeight> parts, Tensor y, bool add)
    {
        var kernels = TilesFor(x.Count, parts);
        var (features, blocks) = (y.Shape[1], Blocks(x.Width));
        var tiles = Tiles(parts, kernels.Features) * kernels.TokenTiles(x.Count);
        // A split is worth its sums' way through memory only where multiprocessors would be idle, and while it has some columns.
        var splits = Math.Clamp(2 * _device.Multiprocessors / tiles, 1, Math.Max(1, blocks / 2));
        var roundedBytes = Aligned((long)x.Count * x.Width * sizeof(ushort));
        var sumsBytes = splits == 1 ? 0 : (long)splits * x.Count * features * sizeof(float);
        var rounded = Scratch(roundedBytes + sumsBytes);
        var target = splits == 1 ? y.Address : rounded + (nint)roundedBytes;

        Round(x, rounded);
        var (first, second, third) = Three(parts);
        kernels.Project.Launch(
            _stream, (Tiles(parts, kernels.Features), kernels.TokenTiles(x.Count), splits), kernels.Threads, kernels.SharedBytes,
            first.Weight.Address, first.Scales.Address, first.Out, second.Weight.Address, second.Scales.Address, second.Out,
            third.Weight.Address, third.Scales.Address, third.Out, x.Width,
            rounded, (nint)0, x.Count, target, features, add && splits == 1 ? 1 : 0);
        if (splits == 1) return;
        var count = (long)x.Count * features;
        kernels.AddSplits.Launch(_stream, (int)((count + AddThreads - 1) / AddThreads), AddThreads, 0, target, splits, count, y.Address, add ? 1 : 0);
    }

    /// <summary>Rows as the BF16 that tiles multiply.</summary>
    /// <param name="x">Rows, with their norm.</param>
    /// <param name="rounded">Address of [T, K] BF16.</param>
    private void Round(in LinearInput x, nint rounded)
    {
        var kernel = TilesFor(1, []).Round;
        kernel.Launch(_stream, x.Count, RoundThreads, 0, x.X.Address, x.Gather, x.Width, x.Norm, x.Epsilon, rounded, (nint)0);
    }

    /// <summary>Large tiles read weights and rows least often; small ones keep all multiprocessors busy with few rows.</summary>
    private TileKernels TilesFor(int rows, ReadOnlySpan<LinearWeight> parts)
    {
        var large = _largeTiles ??= new TileKernels(LoadKernels("Ops/Linear/linear_tiles.cu", "LARGE=1", "INPUT_BYTES=2"), 128, 256, 96 << 10);
        if (large.TokenTiles(rows) * Tiles(parts, large.Features) >= _device.Multiprocessors) return large;
        return _smallTiles ??= new TileKernels(LoadKernels("Ops/Linear/linear_tiles.cu", "LARGE=0", "INPUT_BYTES=2"), 64, 128, 64 << 10);
    }

    private static int Blocks(int length) => (length + Float8Blocks.Size - 1) / Float8Blocks.Size;

    private static long Aligned(long bytes) => (bytes + 255) / 256 * 256;

    /// <summary>Kernels of one tile size.</summary>
    /// <param name="module">linear_tiles.cu.</param>
    /// <param name="features">Features and tokens of a tile.</param>
    /// <param name="threads">Gemm::kThreads.</param>
    /// <param name="sharedBytes">Gemm::kSharedBytes.</param>
    private sealed class TileKernels(KernelModule module, int features, int threads, int sharedBytes)
    {
        public Kernel Project { get; } = module.GetKernel("project_tiles", overlaps: true);

        public Kernel Round { get; } = module.GetKernel("round_rows", overlaps: true);

        public Kernel AddSplits { get; } = module.GetKernel("add_splits", overlaps: true);

        public int Features => features;

        public int Threads => threads;

        public int SharedBytes => sharedBytes;

        public int TokenTiles(int rows) => (rows + features - 1) / features;
    }
}
