using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops.Linear;

/// <summary>The kernels of linear_tiles.cu for one tile size and one type of rounded rows, with the sizes that the source fixes.</summary>
/// <param name="module">The source, compiled for them.</param>
/// <param name="side">Features, and tokens, of a tile.</param>
/// <param name="inputBytes">Bytes of an element of the rounded rows: 2 for BF16, 1 for F8E4M3.</param>
internal sealed class TileKernels(KernelModule module, int side, int inputBytes)
{
    public const string Source = "Ops/Linear/linear_tiles.cu";
    public const int LargeSide = 128, RoundThreads = 256;

    private const int Step = 64, LargeThreads = 256, SmallThreads = 128;

    public Kernel Project { get; } = module.GetKernel("project_tiles", overlaps: true);

    public Kernel Round { get; } = module.GetKernel("round_rows", overlaps: true);

    public Kernel AddSplits { get; } = module.GetKernel("add_splits", overlaps: true);

    public int Side => side;

    public int InputBytes => inputBytes;

    /// <summary>Gemm::kThreads.</summary>
    public int Threads => side == LargeSide ? LargeThreads : SmallThreads;

    /// <summary>The larger Gemm::kSharedBytes of the two weight types.</summary>
    public int SharedBytes => Math.Max(Stages(1) * side * Step * (1 + inputBytes), inputBytes == 1 ? 0 : Stages(2) * side * Step * (2 + inputBytes));

    /// <summary>Tiles that a length is cut into.</summary>
    public static int Count(int length, int tile) => (length + tile - 1) / tile;

    private int Stages(int weightBytes) => side == LargeSide && weightBytes == 2 ? 3 : 4;
}
