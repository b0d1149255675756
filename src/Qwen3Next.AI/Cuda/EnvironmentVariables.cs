namespace Qwen3Next.AI.Cuda;

/// <summary>Every environment variable that the library reads; docs/configuration.md has a line for each.</summary>
internal static class EnvironmentVariables
{
    public const string CudaDriverName = "QWEN3NEXT_CUDA_DRIVER", NvrtcName = "QWEN3NEXT_NVRTC", KernelCacheName = "QWEN3NEXT_KERNEL_CACHE";

    /// <summary>File to load in place of the installed CUDA driver library.</summary>
    public static string? CudaDriver => Read(CudaDriverName);

    /// <summary>File to load as NVRTC in place of the first one found.</summary>
    public static string? Nvrtc => Read(NvrtcName);

    /// <summary>Folder of compiled kernels.</summary>
    public static string? KernelCache => Read(KernelCacheName);

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
