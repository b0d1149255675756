namespace Qwen3Next.AI.Ops;

/// <summary>Addresses of the values between the kernels of one feed-forward; a start of 0 serves to ask for their size.</summary>
internal struct ExpertScratch
{
    private const int Alignment = 256;

    private readonly nint _start;

    /// <summary>For a few rows.</summary>
    public ExpertScratch(ExpertNetworks n, int rows, nint start)
    {
        _start = start;
        var places = rows * (n.Variant.Active + 1L);
        Normed = Take((long)rows * n.Width * 2);
        Logits = Take(rows * (n.Variant.Experts + 1L) * sizeof(float));
        Hidden = Take(places * n.HiddenWidth * 2);
        Routing = Take(sizeof(int) + ExpertRowKernels.MostRows * n.Variant.Active * (2L * sizeof(int) + ExpertRowKernels.MostRows));
    }

    /// <summary>For rows in tiles.</summary>
    public ExpertScratch(ExpertNetworks n, int rows, int tileRows, nint start) : this(n, rows, start)
    {
        int experts = n.Variant.Experts, choices = rows * n.Variant.Active, places = choices + rows;
        // Every expert's last tile may be short: so many more tiles than full ones.
        MostTiles = Math.Min(experts, choices) + choices / tileRows + (rows + tileRows - 1) / tileRows;
        Remainder = Take((long)rows * n.Width * 2);
        Weights = Take((long)places * sizeof(float));
        Tiles = Take(MostTiles * 3L * sizeof(int));
        TileCount = Take(sizeof(int));
        Order = Take((experts + 1L) * rows * sizeof(int));
        Outputs = Take((long)places * n.Width * 2);
    }

    /// <summary>Of all of it.</summary>
    public long Bytes { get; private set; }

    /// <summary>Upper bound of the tiles of one step.</summary>
    public int MostTiles { get; }

    /// <summary>[T, D] bf16, or f16 for a few rows.</summary>
    public nint Normed { get; }

    /// <summary>Routing of experts_rows.cu.</summary>
    public nint Routing { get; }

    /// <summary>[T, D] bf16.</summary>
    public nint Remainder { get; }

    /// <summary>[T, E + 1] F32.</summary>
    public nint Logits { get; }

    /// <summary>[T, K + 1] F32.</summary>
    public nint Weights { get; }

    /// <summary>[MostTiles, 3] int32.</summary>
    public nint Tiles { get; }

    /// <summary>[1] int32.</summary>
    public nint TileCount { get; }

    /// <summary>[E + 1, T] int32.</summary>
    public nint Order { get; }

    /// <summary>[T, K + 1, I] bf16.</summary>
    public nint Hidden { get; }

    /// <summary>[T, K + 1, D] bf16.</summary>
    public nint Outputs { get; }

    private nint Take(long bytes)
    {
        var at = _start + (nint)Bytes;
        Bytes += (bytes + Alignment - 1) / Alignment * Alignment;
        return at;
    }
}
