using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Up to here the router's product is one warp per expert; above it, tiles.</summary>
    private const int MostRouterRows = 64;

    private readonly Dictionary<FeedForwardParameters, ExpertNetworks> _networks = [];
    private readonly Dictionary<ExpertVariant, ExpertRowKernels> _expertRows = [];
    private readonly Dictionary<(ExpertVariant, int), ExpertTileKernels> _expertTiles = [];
    
    // Rows that each expert has so far, and the blocks of choose_rows that have ended; 0 between launches.
    private Tensor _expertCounts;

    public void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
    {
        if (x.Shape[0] == 0) return;
        if (_expertCounts.IsEmpty) _expertCounts = Allocate(DType.F32, new Shape(ExpertNetworks.MostExperts + 1));
        if (!_networks.TryGetValue(p, out var networks)) _networks.Add(p, networks = PlaceNetworks(p, x.Shape[1]));
        if (x.Shape[0] <= ExpertRowKernels.MostRows && ExpertRowsFor(networks).Bytes(networks, x.Shape[0]) <= _device.MaxSharedBytes - ExpertRowKernels.StaticBytes)
            FeedFewRows(p, networks, norm, epsilon, x);
        else FeedManyRows(p, networks, norm, epsilon, x);
    }

    private ExpertNetworks PlaceNetworks(FeedForwardParameters p, int width)
    {
        var table = ExpertNetworks.Fill(p);
        var placed = _arena.Allocate(DType.F32, new Shape(table.Length, sizeof(nint) / sizeof(float)));
        var networks = new ExpertNetworks(p, width) { Table = placed.Address };
        _stream.Upload(placed.Address, (ReadOnlySpan<nint>)table);
        return networks;
    }

    private void FeedFewRows(FeedForwardParameters p, ExpertNetworks n, Tensor norm, float epsilon, Tensor x)
    {
        int rows = x.Shape[0], active = n.Variant.Active;
        var kernels = ExpertRowsFor(n);
        var scratch = new ExpertScratch(n, rows, Scratch(new ExpertScratch(n, rows, 0).Bytes));
        RouteRows(p, n, norm, epsilon, x, scratch, few: true);

        var groups = n.SharedWidth / 8 + rows * active * (n.ExpertWidth / 8);
        kernels.Up.Launch(_stream, Math.Min(groups, _device.Multiprocessors), ExpertRowKernels.Threads, kernels.UpBytes(rows, n.Width),
            n.Table, scratch.Routing, scratch.Normed, rows, n.Width, n.ExpertWidth, n.SharedWidth, n.HiddenWidth, scratch.Hidden);
        kernels.Down.Launch(_stream, n.Width / 16, ExpertRowKernels.Threads, kernels.DownBytes(n, rows),
            n.Table, scratch.Routing, scratch.Logits, scratch.Hidden, rows, n.Width, n.ExpertWidth, n.SharedWidth, n.HiddenWidth, p.SharedGate is null ? 0 : 1, x.Address);
    }

    private void FeedManyRows(FeedForwardParameters p, ExpertNetworks n, Tensor norm, float epsilon, Tensor x)
    {
        int rows = x.Shape[0], shared = n.SharedWidth > 0 ? 1 : 0;
        var kernels = ExpertTilesFor(n, rows);
        var scratch = new ExpertScratch(n, rows, kernels.Rows, Scratch(new ExpertScratch(n, rows, kernels.Rows, 0).Bytes));
        if (rows <= MostRouterRows) RouteRows(p, n, norm, epsilon, x, scratch, few: false);
        else RouteTiles(p, n, kernels, norm, epsilon, x, scratch);
        kernels.Choose.Launch(_stream, Ceiling(rows, ExpertTileKernels.ChooseRows), 32 * ExpertTileKernels.ChooseRows, 0,
            scratch.Logits, rows, p.SharedGate is null ? 0 : 1, shared, scratch.Weights, _expertCounts.Address, scratch.Order, scratch.Tiles, scratch.TileCount);

        var sharedBytes = ExpertTileKernels.SharedBytes(ExpertTileKernels.DownTile, n.Variant.WidestType.Size(), kernels.Rows);
        kernels.Up.Launch(_stream, (Ceiling(n.HiddenWidth, ExpertTileKernels.UpTile), scratch.MostTiles), kernels.Threads, sharedBytes,
            n.Table, scratch.Tiles, scratch.TileCount, scratch.Order, scratch.Normed,
            n.Width, n.ExpertWidth, n.SharedWidth, n.HiddenWidth, scratch.Hidden);
        kernels.Down.Launch(_stream, (Ceiling(n.Width, ExpertTileKernels.DownTile), scratch.MostTiles), kernels.Threads, sharedBytes,
            n.Table, scratch.Tiles, scratch.TileCount, scratch.Order, scratch.Hidden,
            n.Width, n.ExpertWidth, n.SharedWidth, n.HiddenWidth, scratch.Outputs);
        kernels.Combine.Launch(_stream, rows, ExpertTileKernels.RowThreads, 0, scratch.Outputs, scratch.Weights, shared, n.Width, x.Address);
    }

    private void RouteRows(FeedForwardParameters p, ExpertNetworks n, Tensor norm, float epsilon, Tensor x, in ExpertScratch scratch, bool few)
    {
        var grid = (Ceiling(n.Variant.Experts + 1, ExpertRowKernels.RouterThreads / 32), Ceiling(x.Shape[0], ExpertRowKernels.MostRows));
        ExpertRowsFor(n).Router.Launch(_stream, grid, ExpertRowKernels.RouterThreads, 0, x.Address, norm.Address, epsilon,
            p.Router?.Weight.Address ?? 0, p.SharedGate?.Weight.Address ?? 0, x.Shape[0], n.Width, scratch.Logits, few ? 1 : 0, scratch.Normed,
            few ? scratch.Routing : 0, _expertCounts.Address);
    }

    private void RouteTiles(
        FeedForwardParameters p, ExpertNetworks n, ExpertTileKernels kernels, Tensor norm, float epsilon, Tensor x, in ExpertScratch scratch)
    {
        const int tile = ExpertTileKernels.RouterTile;
        kernels.Norm.Launch(_stream, x.Shape[0], ExpertTileKernels.RowThreads, 0, x.Address, norm.Address, epsilon,
            p.SharedGate?.Weight.Address ?? 0, n.Width, scratch.Normed, scratch.Remainder, scratch.Logits);
        if (p.Router is not { } router) return;
        kernels.Router.Launch(_stream, (Ceiling(router.Out, tile), Ceiling(x.Shape[0], tile)), ExpertTileKernels.RouterThreads,
            ExpertTileKernels.SharedBytes(tile, DType.BF16.Size(), tile),
            scratch.Normed, scratch.Remainder, router.Weight.Address, x.Shape[0], n.Width, scratch.Logits);
    }

    private ExpertRowKernels ExpertRowsFor(ExpertNetworks n)
    {
        if (_expertRows.TryGetValue(n.Variant, out var kernels)) return kernels;
        var stages = ExpertRowKernels.StagesFor(_device.MaxSharedBytes);
        kernels = new ExpertRowKernels(LoadKernels("Ops/Experts/experts_rows.cu", [.. n.Variant.Defines, $"STAGES={stages}"]), stages);
        _expertRows.Add(n.Variant, kernels);
        return kernels;
    }

    private ExpertTileKernels ExpertTilesFor(ExpertNetworks n, int rows)
    {
        var size = ExpertTileKernels.SizeFor(n.Variant, rows, _device.MaxSharedBytes);
        if (_expertTiles.TryGetValue((n.Variant, size), out var kernels)) return kernels;
        kernels = new ExpertTileKernels(LoadKernels("Ops/Experts/experts_tiles.cu", [.. n.Variant.Defines, $"TOKENS={size}"]), size);
        _expertTiles.Add((n.Variant, size), kernels);
        return kernels;
    }

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
