using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tests;
using Xunit;

[assembly: AssemblyFixture(typeof(CudaFixture))]

namespace Qwen3Next.AI.Tests;

/// <summary>
/// The device that tests run on: a GPU where there is one, else the emulated one, else every test that asks for it is skipped. The variable
/// QWEN3NEXT_REQUIRE_GPU=1 makes everything but a GPU a failure.
/// </summary>
public sealed class CudaFixture : IDisposable
{
    private readonly CudaDevice? _device;
    private readonly CudaStream? _stream;
    private readonly string _reason = "";

    public CudaFixture()
    {
        IsEmulated = !HasGpu();
        if (IsEmulated && Environment.GetEnvironmentVariable("QWEN3NEXT_REQUIRE_GPU") == "1")
            _reason = "QWEN3NEXT_REQUIRE_GPU is 1 and this machine has no GPU that CUDA can use.";
        else if (IsEmulated && !Emulator.Use())
            _reason = "No GPU, and no emulated one: it is built where g++ is.";
        else
            (_device, _stream) = Open();
    }

    /// <summary>Tests run on the emulated device.</summary>
    public bool IsEmulated { get; }

    internal CudaDevice Device => _device ?? throw Missing();

    internal CudaStream Stream => _stream ?? throw Missing();

    public void Dispose()
    {
        _stream?.Dispose();
        _device?.Dispose();
    }

    private static (CudaDevice, CudaStream) Open()
    {
        var device = CudaDevice.Open();
        return (device, device.CreateStream());
    }

    private static bool HasGpu() => NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _);

    private Exception Missing()
    {
        if (Environment.GetEnvironmentVariable("QWEN3NEXT_REQUIRE_GPU") == "1") Assert.Fail(_reason);
        Assert.Skip(_reason);
        return new InvalidOperationException();
    }
}
