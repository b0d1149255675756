using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>The kernels of experts_rows.cu for one variant.</summary>
internal sealed class ExpertRowKernels(KernelModule module, int stages)
{
    /// <summary>Rows that they take.</summary>
    public const int MostRows = 8;

    public const int RouterThreads = 128, Threads = 512;

    /// <summary>What blocks have beside their dynamic shared memory: the choice of experts, at most so much for 32 active ones.</summary>
    public const int StaticBytes = 8 * 32 * 17;

    private const int Warps = 16, PlaceBytes = 2064, SumStride = 20;

    /// <summary>Stages of the rings for a device whose blocks have so many shared bytes.</summary>
    public static int StagesFor(int sharedBytes) => sharedBytes >= 192 << 10 ? 3 : 2;

    /// <summary>The larger of both kernels' shared memory.</summary>
    public int Bytes(ExpertNetworks n, int rows) => Math.Max(UpBytes(rows, n.Width), DownBytes(n, rows));

    /// <summary>Shared memory of a block of experts_up: rings, two turns of sums, u as f16.</summary>
    public int UpBytes(int rows, int width) =>
        Warps * stages * PlaceBytes + rows * (2 * Warps * SumStride * sizeof(float) + (width + 127) / 128 * 256 + 16);

    /// <summary>Shared memory of a block of experts_down: rings and results.</summary>
    public int DownBytes(ExpertNetworks n, int rows)
    {
        int perExpert = Units(n.ExpertWidth, n.Variant.Routed), shared = Math.Min(Units(n.SharedWidth, n.Variant.Shared), Warps);
        return Warps * stages * PlaceBytes + rows * (n.Variant.Active * perExpert + shared) * 16 * sizeof(float);
    }

    private static int Units(int width, DType type) => (width * type.Size() + 127) / 128;

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
