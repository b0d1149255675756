using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Shape of a block of the kernel in attend.cu: RowWarps x KeyWarps warps, each with 16 product rows (pairs of a row and a query head) and its
/// share of the TileKeys keys that are in shared memory at a time, in Slots buffers of keys or of values.
/// </summary>
internal readonly record struct AttendShape(int RowWarps, int KeyWarps, int TileKeys, int Slots)
{
    private const int MostSlots = 6;

    /// <summary>What buffers may take together: two kernels' blocks fit beside each other, so that one can start under the other's end.</summary>
    private const int RingBytes = 104 << 10;

    /// <summary>From few product rows to many; smaller tiles are for devices with less shared memory.</summary>
    private static readonly AttendShape[] Known =
        [new(1, 4, 64, 0), new(2, 2, 32, 0), new(2, 2, 64, 0), new(4, 1, 32, 0), new(4, 1, 64, 0), new(8, 1, 64, 0)];

    public int Threads => 32 * RowWarps * KeyWarps;

    public int ProductRows => 16 * RowWarps;

    /// <summary>The smallest block for this many product rows, or the largest that fits where they are more.</summary>
    /// <param name="productRows">Wanted.</param>
    /// <param name="headDim">Dh.</param>
    /// <param name="kvType">Of the pages.</param>
    /// <param name="mostShared">Shared bytes that a block can have.</param>
    public static AttendShape For(int productRows, int headDim, DType kvType, int mostShared)
    {
        var best = default(AttendShape);
        foreach (var known in Known)
        {
            if (known.WithSlots(headDim, kvType, mostShared) is not { Slots: > 0 } shape) continue;
            if (best.ProductRows >= productRows && best.RowWarps < shape.RowWarps) break;
            best = shape;
        }
        return best;
    }

    /// <summary>Queries and buffers while keys are read; the warps' sums and statistics afterwards, in the same place.</summary>
    public int SharedBytes(int headDim, DType kvType)
    {
        var converted = kvType == DType.BF16 || WidensInRegisters(kvType) ? 0 : SlotBytes(headDim, DType.BF16);
        var reading = ProductRows * (headDim + 8) * sizeof(ushort) + Slots * SlotBytes(headDim, kvType) + converted;
        var joining = KeyWarps * ProductRows * ((headDim + 8) * sizeof(float) + 2 * sizeof(float));
        return Math.Max(reading, joining);
    }

    /// <summary>What compiles the kernel for these sizes.</summary>
    public string[] Defines(int headDim, DType kvType) =>
        [.. HeadDefines(headDim, kvType), $"ROW_WARPS={RowWarps}", $"KEY_WARPS={KeyWarps}", $"TILE_KEYS={TileKeys}", $"SLOTS={Slots}", $"OPERAND={(WidensInRegisters(kvType) ? "e4m3" : "bf16")}"];

    /// <summary>Of all attention kernels.</summary>
    public static string[] HeadDefines(int headDim, DType kvType) =>
        [$"HEAD_DIM={headDim}", $"KV={kvType switch { DType.F32 => "float", DType.BF16 => "bf16", _ => "e4m3" }}"];

    /// <summary>One row warp has no others that would widen the same values again.</summary>
    private bool WidensInRegisters(DType kvType) => kvType == DType.F8E4M3 && RowWarps == 1;

    private int SlotBytes(int headDim, DType kvType) => TileKeys * (headDim * kvType.Size() + 16);

    private AttendShape WithSlots(int headDim, DType kvType, int mostShared)
    {
        for (var slots = Math.Clamp(RingBytes / SlotBytes(headDim, kvType), 2, MostSlots); slots >= 2; slots--)
            if (this with { Slots = slots } is var shape && shape.SharedBytes(headDim, kvType) <= mostShared) return shape;
        return default;
    }
}
