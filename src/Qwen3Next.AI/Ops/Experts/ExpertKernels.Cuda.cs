using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>The kernels of experts_rows.cu for one variant.</summary>
internal sealed class ExpertRowKernels(KernelModule module, int downStages)
{
    /// <summary>Rows that they take.</summary>
    public const int MostRows = 8;

    public const int RouterThreads = 128, UpThreads = 256, DownThreads = 256;

    /// <summary>Bytes of the rings of a block of experts_up: eight warps, three stages of 2 KB.</summary>
    public const int UpRings = 8 * 3 * 2048;

    /// <summary>Bytes of the rings of a block of experts_down, beside which it has its results.</summary>
    public int DownRings => 8 * downStages * 2048;

    /// <summary>Stages of those rings for a device whose blocks have so many shared bytes.</summary>
    public static int DownStagesFor(int sharedBytes) => sharedBytes >= 128 << 10 ? 6 : 4;

    /// <summary>
    /// Columns of a network that one warp of experts_down takes at a time: few enough that its eight warps share one token's networks evenly or,
    /// of a wide network, take one part each.
    /// </summary>
    public static int PartOf(int width) => Math.Max(256, (width + 8 * 128 - 1) / (8 * 128) * 128);

    public Kernel Router { get; } = module.GetKernel("router_rows", overlaps: true);

    public Kernel Up { get; } = module.GetKernel("experts_up", overlaps: true);

    public Kernel Down { get; } = module.GetKernel("experts_down", overlaps: true);
}

/// <summary>The kernels of experts_tiles.cu for one variant and tiles of some number of rows.</summary>
internal sealed class ExpertTileKernels(KernelModule module, int rows)
{
    public const int RouterThreads = 128, RouterTile = 64, ChooseRows = 8, RowThreads = 256;

    /// <summary>Hidden values, and columns of x, that a block computes.</summary>
    public const int UpTile = 64, DownTile = 128;

    /// <summary>Rows of a tile.</summary>
    public int Rows => rows;

    /// <summary>Threads of a tile's block: warps of 32 or 64 features by up to 32 rows.</summary>
    public int Threads => 128 / (rows < 128 ? 32 : 64) * (rows / Math.Min(rows, 32)) * 32;

    public Kernel Norm { get; } = module.GetKernel("norm_rows", overlaps: true);

    public Kernel Router { get; } = module.GetKernel("router_tiles", overlaps: true);

    public Kernel Choose { get; } = module.GetKernel("choose_rows", overlaps: true);

    public Kernel Up { get; } = module.GetKernel("up_tiles", overlaps: true);

    public Kernel Down { get; } = module.GetKernel("down_tiles", overlaps: true);

    public Kernel Combine { get; } = module.GetKernel("combine_rows", overlaps: true);

    /// <summary>The smallest tile for one and a half times the rows that an expert gets on average: few experts then need a second one.</summary>
    /// <param name="variant">Gives the experts and their types.</param>
    /// <param name="rows">T.</param>
    /// <param name="sharedBytes">What a block can have; the largest tiles do not fit everywhere.</param>
    public static int SizeFor(ExpertVariant variant, int rows, int sharedBytes)
    {
        var wanted = variant.Experts > 0 ? (long)rows * variant.Active * 3 / (2L * variant.Experts) : rows;
        if (wanted > 64 && SharedBytes(DownTile, variant.WidestType.Size(), 128) <= sharedBytes) return 128;
        return wanted <= 16 ? 16 : wanted <= 32 ? 32 : 64;
    }

    /// <summary>Shared memory of Gemm in gemm.cuh: four stages of 64 columns.</summary>
    public static int SharedBytes(int features, int weightBytes, int rows) => (features * weightBytes + rows * 2) * 64 * 4;
}
