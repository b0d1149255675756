using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>What the kernels of the experts are compiled for.</summary>
/// <param name="Experts">E; 0 for a dense MLP.</param>
/// <param name="Active">K.</param>
/// <param name="Normalize">Weights are divided by their sum.</param>
/// <param name="Routed">Type of the experts' matrices.</param>
/// <param name="Shared">Type of the shared network's matrices.</param>
internal readonly record struct ExpertVariant(int Experts, int Active, bool Normalize, DType Routed, DType Shared)
{
    /// <summary>The kernels' compile-time names.</summary>
    public string[] Defines =>
        [$"EXPERTS={Experts}", $"ACTIVE={Active}", $"NORMALIZE={(Normalize ? 1 : 0)}", $"ROUTED={NameOf(Routed)}", $"SHARED={NameOf(Shared)}"];

    /// <summary>The larger type of element.</summary>
    public DType WidestType => Routed.Size() > Shared.Size() ? Routed : Shared;

    private static string NameOf(DType type) => type == DType.F8E4M3 ? "e4m3" : "bf16";
}

/// <summary>A layer's networks as the kernels see them: sizes, and a device array of the addresses of every matrix.</summary>
internal sealed class ExpertNetworks
{
    /// <summary>Gate, up, down, and their scales: the layout of Network in routing.cuh.</summary>
    private const int Addresses = 6;

    private const int MostActive = 32, Multiple = 16;

    public const int MostExperts = 1024;

    /// <exception cref="Qwen3NextException">Sizes or types that the kernels do not compute.</exception>
    public ExpertNetworks(FeedForwardParameters p, int width)
    {
        (Width, ExpertWidth, SharedWidth) = (width, p.Experts.Length > 0 ? p.Experts[0].Gate.Out : 0, p.Shared?.Gate.Out ?? 0);
        CheckWidth("a hidden size", width);
        CheckWidth("a width of its experts", ExpertWidth);
        CheckWidth("a width of its shared network", SharedWidth);
        if (p.Experts.Length > MostExperts || p.ActiveExperts > Math.Min(MostActive, p.Experts.Length))
            throw Unsupported($"{p.ActiveExperts} of {p.Experts.Length} experts", $"up to {MostActive} of {MostExperts}");
        var shared = p.Shared is { } network ? TypeOf(network) : DType.BF16;
        var routed = p.Experts.Length > 0 ? TypeOf(p.Experts[0]) : shared;
        Variant = new ExpertVariant(p.Experts.Length, p.ActiveExperts, p.NormalizeWeights, routed, p.Shared is null ? routed : shared);
    }

    public ExpertVariant Variant { get; }

    /// <summary>D.</summary>
    public int Width { get; }

    /// <summary>I of the routed experts, or 0.</summary>
    public int ExpertWidth { get; }

    /// <summary>I of the shared network, or 0.</summary>
    public int SharedWidth { get; }

    /// <summary>Values between up and down that any network has.</summary>
    public int HiddenWidth => Math.Max(ExpertWidth, SharedWidth);

    /// <summary>Device array [E + 1] of Network, the shared one last.</summary>
    public nint Table { get; init; }

    /// <summary>The array's values.</summary>
    public static nint[] Fill(FeedForwardParameters p)
    {
        var table = new nint[(p.Experts.Length + 1) * Addresses];
        for (var e = 0; e < p.Experts.Length; e++) Fill(table.AsSpan(e * Addresses, Addresses), p.Experts[e]);
        if (p.Shared is { } shared) Fill(table.AsSpan(p.Experts.Length * Addresses, Addresses), shared);
        return table;
    }

    private static void Fill(Span<nint> entry, in SwiGlu network)
    {
        (entry[0], entry[1], entry[2]) = (network.Gate.Weight.Address, network.Up.Weight.Address, network.Down.Weight.Address);
        (entry[3], entry[4], entry[5]) = (network.Gate.Scales.Address, network.Up.Scales.Address, network.Down.Scales.Address);
    }

    // Rows of any type then consist of whole 16-byte pieces.
    private static void CheckWidth(string what, int width)
    {
        if (width % Multiple != 0) throw Unsupported($"{what} of {width}", $"multiples of {Multiple}");
    }

    private static DType TypeOf(in SwiGlu network)
    {
        var type = network.Gate.Weight.Type;
        if (network.Up.Weight.Type != type || network.Down.Weight.Type != type)
            throw Unsupported($"a network of {type}, {network.Up.Weight.Type} and {network.Down.Weight.Type} matrices", "one type in each network");
        return type;
    }

    private static Qwen3NextException Unsupported(string what, string limit) =>
        new($"The feed-forward part has {what}; CUDA computes {limit}. Set Device to Cpu, or convert the checkpoint.");
}
