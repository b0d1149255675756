using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class CudaDeviceTests(CudaFixture cuda)
{
    [Fact]
    public void Open_TheFirst_KnowsItself()
    {
        var device = cuda.Device;
        Assert.NotEmpty(device.Name);
        Assert.InRange(device.ComputeCapability.Major, 8, 99);
        Assert.InRange(device.Multiprocessors, 1, 1000);
        Assert.InRange(device.MaxSharedBytes, 99 << 10, 227 << 10);
        Assert.InRange(device.FreeBytes, 1, device.TotalBytes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1000)]
    public void Open_ANumberThatIsNone_SaysHowManyThereAre(int ordinal)
    {
        _ = cuda.Device;
        var error = Assert.Throws<Qwen3NextException>(() => CudaDevice.Open(ordinal));
        Assert.Contains($"no GPU {ordinal}", error.Message, StringComparison.Ordinal);
        Assert.Contains("CUDA_VISIBLE_DEVICES", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ComputeCapabilityBelow8_IsRefused()
    {
        Assert.SkipUnless(cuda.IsEmulated, "needs a GPU that is too old");
        using var old = Emulator.With("CAPABILITY", 75, normally: 90);
        var error = Assert.Throws<Qwen3NextException>(() => CudaDevice.Open());
        Assert.Contains("7.5", error.Message, StringComparison.Ordinal);
        Assert.Contains("8.0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Allocate_ThenDispose_GivesTheMemoryBack()
    {
        using var first = cuda.Device.Allocate(1 << 20);
        var before = cuda.Device.FreeBytes;
        var memory = cuda.Device.Allocate(64 << 20);
        Assert.Equal(64 << 20, memory.Bytes);
        Assert.NotEqual(0, memory.Address);
        Assert.True(cuda.Device.FreeBytes < before);
        memory.Dispose();
        Assert.Equal(before, cuda.Device.FreeBytes);
    }

    [Fact]
    public void Allocate_MoreThanThereIs_SaysNeededFreeAndWhatToLower()
    {
        var error = Assert.Throws<CudaException>(() => cuda.Device.Allocate(1L << 45));
        Assert.Equal(2, error.Code);
        Assert.Equal("CUDA_ERROR_OUT_OF_MEMORY", error.Name);
        Assert.False(error.IsSticky);
        Assert.Matches(@"[\d.]+ MiB free of [\d.]+ MiB; 33554432\.0 MiB more are needed.*MaxContextTokens", error.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Allocate_NoBytes_IsRefused(long bytes) => Assert.Throws<ArgumentOutOfRangeException>(() => cuda.Device.Allocate(bytes));

    [Fact]
    public void Dispose_BeforeWhatItMade_EndsOnceThatIsDisposed()
    {
        _ = cuda.Device;
        var device = CudaDevice.Open();
        using (var stream = device.CreateStream())
        using (var memory = device.Allocate(256))
        {
            device.Dispose();
            stream.Fill(memory.Address, 3, 256);
            var bytes = new byte[256];
            stream.Download<byte>(bytes, memory.Address);
            Assert.All(bytes, value => Assert.Equal(3, value));
        }
        Assert.Throws<ObjectDisposedException>(() => device.Allocate(16));
    }
}
