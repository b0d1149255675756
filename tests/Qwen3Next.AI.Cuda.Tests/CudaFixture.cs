using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tests;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(CudaFixture))]
// One device serves all tests, and some change its settings or break it.
[assembly: Parallelization(Mode = ParallelMode.None)]

namespace Qwen3Next.AI.Tests;

/// <summary>
/// The device that tests run on: a GPU where there is one, else the emulated one, else every test that asks for it is skipped. The variable
/// QWEN3NEXT_REQUIRE_GPU=1 makes everything but a GPU a failure.
/// </summary>
public sealed class CudaFixture : IDisposable
{
    private readonly Lazy<(CudaDevice Device, CudaStream Stream)> _opened = new(Open);
    private readonly bool _isMissing;

    public CudaFixture()
    {
        IsEmulated = !HasGpu();
        _isMissing = IsEmulated && (RequiresGpu || !Emulator.Use());
    }

    /// <summary>Tests run on the emulated device.</summary>
    public bool IsEmulated { get; }

    /// <summary>On the emulated device, a sticky error that an earlier test left is forgotten.</summary>
    internal CudaDevice Device
    {
        get
        {
            var device = Opened.Device;
            if (IsEmulated) Emulator.Recover();
            return device;
        }
    }

    internal CudaStream Stream => Opened.Stream;

    private static bool RequiresGpu => Environment.GetEnvironmentVariable("QWEN3NEXT_REQUIRE_GPU") == "1";

    private (CudaDevice Device, CudaStream Stream) Opened
    {
        get
        {
            Assert.False(_isMissing && RequiresGpu, "QWEN3NEXT_REQUIRE_GPU is 1 and this machine has no GPU that CUDA can use.");
            Assert.SkipWhen(_isMissing, "no GPU, and no emulated one: it is built where g++ is");
            return _opened.Value;
        }
    }

    public void Dispose()
    {
        if (!_opened.IsValueCreated) return;
        _opened.Value.Stream.Dispose();
        _opened.Value.Device.Dispose();
    }

    private static (CudaDevice, CudaStream) Open()
    {
        var device = CudaDevice.Open();
        return (device, device.CreateStream());
    }

    /// <summary>Asks the driver itself: the library keeps the first driver that it loads.</summary>
    private static unsafe bool HasGpu()
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var driver)) return false;
        var start = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit");
        var count = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount");
        int devices;
        return start(0) == 0 && count(&devices) == 0 && devices > 0;
    }
}
