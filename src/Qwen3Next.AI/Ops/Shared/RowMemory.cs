using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>Shared memory of a block of the kernels that take few rows, 1 to 8: weight_stream.cuh.</summary>
internal static class RowMemory
{
    private const int MostRows = 8, MostGroups = 3, Turns = 2, Warps = 16, Stages = 2, SumStride = 20, Slice = 128, UnitBytes = 2064;

    public const int Threads = Warps * 32;

    /// <summary>So many bytes that a multiprocessor has room for one such block.</summary>
    /// <param name="needed">Of them, what the block uses.</param>
    /// <param name="device">Where it runs.</param>
    public static int Alone(int needed, CudaDevice device) => Math.Max(needed, device.MaxSharedBytes / 2 + 1024);

    /// <summary>A ring of units for each warp.</summary>
    /// <param name="beside">Bytes that lie behind a unit.</param>
    public static int RingBytes(int beside = 0) => Warps * Stages * (UnitBytes + beside);

    /// <summary>Where warps leave their sums.</summary>
    public static int SumBytes(int rows) => Turns * Math.Min(MostGroups, MostRows / rows) * Warps * rows * SumStride * sizeof(float);

    /// <summary>Rows as f16, padded; a factor for each slice and a sum of squares for each warp.</summary>
    public static int ActivationBytes(int width, int rows)
    {
        var slices = (width + Slice - 1) / Slice;
        return rows * (slices * Slice * 2 + 16 + Warps * sizeof(float)) + slices * MostRows * sizeof(float);
    }
}
