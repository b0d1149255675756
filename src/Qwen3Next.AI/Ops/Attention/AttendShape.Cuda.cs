using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Shape of a block of the kernel in attend.cu: RowWarps x KeyWarps warps, each with 16 product rows (pairs of a row and a query head) and its
/// share of the TileKeys keys that are in shared memory at a time, in Slots buffers of keys or of values.
/// </summary>
internal readonly record struct AttendShape(int RowWarps, int KeyWarps, int TileKeys, int Slots)
{
    private const int MostSlots = 6, MostRowWarps = 8;

    /// <summary>What a block may take whatever the device has: those with less shared memory than twice this do not overlap kernels.</summary>
    private const int AlwaysTaken = 100 << 10;

    /// <summary>From few product rows to many.</summary>
    private static readonly AttendShape[] Known =
        [new(1, 4, 64, 0), new(2, 2, 64, 0), new(2, 2, 32, 0), new(4, 1, 64, 0), new(4, 1, 32, 0), new(MostRowWarps, 1, 64, 0)];

    public int Threads => 32 * RowWarps * KeyWarps;

    public int ProductRows => 16 * RowWarps;

    /// <summary>The smallest block for this many product rows, or the largest that fits where they are more; of two, the one that has more under way.</summary>
    /// <param name="productRows">Wanted.</param>
    /// <param name="headDim">Dh.</param>
    /// <param name="kvType">Of the pages.</param>
    /// <param name="mostShared">Shared bytes that a block can have.</param>
    public static AttendShape For(int productRows, int headDim, DType kvType, int mostShared)
    {
        var best = default(AttendShape);
        foreach (var known in Known)
        {
            if (best.ProductRows >= productRows && best.RowWarps < known.RowWarps) break;
            var shape = known.WithSlots(headDim, kvType, mostShared);
            if (shape.Slots > 0 && (best.RowWarps < shape.RowWarps || best.KeysUnderWay < shape.KeysUnderWay)) best = shape;
        }
        return best;
    }

    /// <summary>Queries and buffers while keys are read; the warps' sums and statistics afterwards, in the same place.</summary>
    public int SharedBytes(int headDim, DType kvType)
    {
        var joining = KeyWarps * ProductRows * ((headDim + 8) * sizeof(float) + 2 * sizeof(float));
        return Math.Max(BytesBesideSlots(headDim, kvType) + Slots * SlotBytes(headDim, kvType), joining);
    }

    /// <summary>What compiles the kernel for these sizes.</summary>
    public string[] Defines(int headDim, DType kvType) =>
        [.. HeadDefines(headDim, kvType), $"ROW_WARPS={RowWarps}", $"KEY_WARPS={KeyWarps}", $"TILE_KEYS={TileKeys}", $"SLOTS={Slots}", $"OPERAND={(WidensInRegisters(kvType) ? "e4m3" : "bf16")}"];

    /// <summary>Of all attention kernels.</summary>
    public static string[] HeadDefines(int headDim, DType kvType) =>
        [$"HEAD_DIM={headDim}", $"KV={kvType switch { DType.F32 => "float", DType.BF16 => "bf16", _ => "e4m3" }}"];

    private int KeysUnderWay => (Slots - 1) * TileKeys;

    /// <summary>One row warp has no others that would widen the same values again.</summary>
    private bool WidensInRegisters(DType kvType) => kvType == DType.F8E4M3 && RowWarps == 1;

    private int SlotBytes(int headDim, DType kvType) => TileKeys * (headDim * kvType.Size() + 16);

    /// <summary>Queries, and a tile of BF16 where the pages' type is converted.</summary>
    private int BytesBesideSlots(int headDim, DType kvType) =>
        ProductRows * (headDim + 8) * sizeof(ushort) + (kvType == DType.BF16 || WidensInRegisters(kvType) ? 0 : SlotBytes(headDim, DType.BF16));

    /// <summary>
    /// As many buffers as there is room for; none, the default value, where two do not fit. The largest block, for long pieces of prompts, may take
    /// all; the others leave room beside them for a block of the kernel before or after.
    /// </summary>
    private AttendShape WithSlots(int headDim, DType kvType, int mostShared)
    {
        var room = RowWarps == MostRowWarps ? mostShared : Math.Min(mostShared, Math.Max(mostShared / 2, AlwaysTaken));
        var shape = this with { Slots = Math.Min(MostSlots, (room - BytesBesideSlots(headDim, kvType)) / SlotBytes(headDim, kvType)) };
        return shape.Slots >= 2 && shape.SharedBytes(headDim, kvType) <= mostShared ? shape : default;
    }
}
