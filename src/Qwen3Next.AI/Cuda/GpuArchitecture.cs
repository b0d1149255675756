namespace Qwen3Next.AI.Cuda;

/// <summary>What NVRTC compiles for: machine code of an architecture (<c>sm_90a</c>), or PTX that the driver finishes (<c>compute_90</c>).</summary>
internal readonly record struct GpuArchitecture(string Name, bool IsPtx)
{
    /// <summary>Hopper's own instructions (warp-group products, asynchronous barriers) exist only under the architecture with "a".</summary>
    private const int Hopper = 90;

    /// <summary>
    /// The best choice for a GPU: machine code runs on the same major and any later minor compute capability; where NVRTC is older than the GPU's
    /// generation, PTX of the latest it knows.
    /// </summary>
    /// <param name="capability">The GPU's.</param>
    /// <param name="known">What NVRTC compiles for: 80, 86 and so on.</param>
    public static GpuArchitecture For((int Major, int Minor) capability, ReadOnlySpan<int> known)
    {
        var wanted = capability.Major * 10 + capability.Minor;
        var best = 0;
        foreach (var candidate in known)
            if (candidate <= wanted && candidate > best) best = candidate;
        if (best < 80)
            throw new Qwen3NextException($"The NVRTC found compiles for none of compute capability 8.0 to {capability.Major}.{capability.Minor}. Install that of CUDA 12 or 13.");
        if (best / 10 != capability.Major) return new GpuArchitecture($"compute_{best}", IsPtx: true);
        return new GpuArchitecture(best == Hopper ? "sm_90a" : $"sm_{best}", IsPtx: false);
    }
}
