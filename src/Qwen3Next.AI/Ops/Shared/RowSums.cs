namespace Qwen3Next.AI.Ops.Shared;

/// <summary>Of the kernels that take few rows (weight_stream.cuh): shared memory in which warps leave their sums.</summary>
internal static class RowSums
{
    private const int MostRows = 8, MostGroups = 3, Turns = 2, Warps = 16, Stride = 20;

    /// <param name="rows">1 to 8.</param>
    public static int Bytes(int rows) => Turns * Math.Min(MostGroups, MostRows / rows) * Warps * rows * Stride * sizeof(float);
}
