using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Cuda.Interop;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda.Interop;

public class NativeLibrariesTests
{
    private const string Absent = "libabsent.so.1";

    [Fact]
    public void Load_NoCandidateThatIsThere_IsNone()
    {
        Assert.Equal(0, NativeLibraries.Load(null, [Absent, "libabsent.so.2"], out var loaded));
        Assert.Null(loaded);
        Assert.Equal(0, NativeLibraries.Load(null, [], out _));
    }

    [Fact]
    public void Load_Named_TriesNoOther()
    {
        var found = OperatingSystem.IsWindows() ? "kernel32.dll" : "libc.so.6";
        Assert.NotEqual(0, NativeLibraries.Load(null, [Absent, found], out var loaded));
        Assert.Equal(found, loaded);
        Assert.NotEqual(0, NativeLibraries.Load(found, [], out _));
        Assert.Equal(0, NativeLibraries.Load(Absent, [found], out _));
    }

    [Fact]
    public void MissingLibraries_AreErrorsWithTheRemedy() =>
        OwnProcess.Run(GetType(), nameof(InAProcessWithoutLibraries_OpenAndCompile_SayTheRemedy),
            (EnvironmentVariables.CudaDriverName, Absent), (EnvironmentVariables.NvrtcName, Absent));

    [Fact(Explicit = true)]
    public void InAProcessWithoutLibraries_OpenAndCompile_SayTheRemedy()
    {
        var driver = Assert.Throws<Qwen3NextException>(() => CudaDevice.Open()).Message;
        Assert.Contains($"Loading the CUDA driver failed: QWEN3NEXT_CUDA_DRIVER names '{Absent}'", driver, StringComparison.Ordinal);
        var nvrtc = Assert.Throws<Qwen3NextException>(() => new KernelCompiler()).Message;
        Assert.Contains($"QWEN3NEXT_NVRTC names '{Absent}'", nvrtc, StringComparison.Ordinal);
        // What is said where nothing is named: what was looked for, and what to do.
        Environment.SetEnvironmentVariable(EnvironmentVariables.CudaDriverName, null);
        Environment.SetEnvironmentVariable(EnvironmentVariables.NvrtcName, null);
        Assert.Matches("(libcuda.so.1|nvcuda.dll).*Install NVIDIA's driver, or set Device to Cpu", NativeLibraries.NoDriver);
        Assert.Matches("(libnvrtc|nvrtc64).*Install NVIDIA's NVRTC.*QWEN3NEXT_NVRTC", NativeLibraries.NoNvrtc);
    }
}
