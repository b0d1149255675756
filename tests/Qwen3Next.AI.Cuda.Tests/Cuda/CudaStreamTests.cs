using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class CudaStreamTests(CudaFixture cuda)
{
    [Fact]
    public void Copies_ToDeviceWithinAndBack_KeepTheValues()
    {
        int[] values = [.. Enumerable.Range(0, 1000)];
        using var first = cuda.Device.Allocate(4000);
        using var second = cuda.Device.Allocate(4000);
        cuda.Stream.Upload<int>(first.Address, values);
        cuda.Stream.Fill(second.Address, 0xff, 4000);
        cuda.Stream.Copy(second.Address + 400, first.Address, 3600);
        var result = new int[1000];
        cuda.Stream.Download<int>(result, second.Address);
        Assert.Equal([.. Enumerable.Repeat(-1, 100), .. values[..900]], result);
    }

    [Fact]
    public void Copies_OfNothing_DoNothing()
    {
        cuda.Stream.Upload(0, 0, 0);
        cuda.Stream.Copy(0, 0, 0);
        cuda.Stream.Fill(0, 1, 0);
        cuda.Stream.Download<int>([], 0);
    }

    [Fact]
    public void Download_ToPinnedMemory_IsThereOnceAnEventIsReached()
    {
        using var pinned = cuda.Device.AllocatePinned(4096);
        using var memory = cuda.Device.Allocate(4096);
        using var done = cuda.Device.CreateEvent();
        cuda.Stream.Fill(memory.Address, 7, 4096);
        cuda.Stream.Download(pinned.Address, memory.Address, 4096);
        cuda.Stream.Record(done);
        done.Synchronize();
        Assert.True(done.IsReached);
        Assert.All(pinned.AsSpan<byte>().ToArray(), value => Assert.Equal(7, value));
    }

    [Fact]
    public void Wait_ForAnotherStream_SeesItsWork()
    {
        using var other = cuda.Device.CreateStream();
        using var filled = cuda.Device.CreateEvent();
        using var memory = cuda.Device.Allocate(1 << 20);
        using var copy = cuda.Device.Allocate(1 << 20);
        cuda.Stream.Fill(memory.Address, 9, 1 << 20);
        cuda.Stream.Record(filled);
        other.Wait(filled);
        other.Copy(copy.Address, memory.Address, 1 << 20);
        var bytes = new byte[1 << 20];
        other.Download<byte>(bytes, copy.Address);
        Assert.DoesNotContain(bytes, value => value != 9);
    }

    [Fact]
    public void MillisecondsSince_TwoTimedEvents_IsNotNegative()
    {
        using var start = cuda.Device.CreateEvent(timing: true);
        using var end = cuda.Device.CreateEvent(timing: true);
        using var memory = cuda.Device.Allocate(1 << 20);
        cuda.Stream.Record(start);
        cuda.Stream.Fill(memory.Address, 1, 1 << 20);
        cuda.Stream.Record(end);
        cuda.Stream.Synchronize();
        Assert.InRange(end.MillisecondsSince(start), 0, 10_000);
    }

    [Fact]
    public void Copy_BeyondAnAllocation_IsAnErrorThatPasses()
    {
        Assert.SkipUnless(cuda.IsEmulated, "a GPU may own the bytes behind an allocation");
        using var memory = cuda.Device.Allocate(100);
        var error = Assert.Throws<CudaException>(() => cuda.Stream.Fill(memory.Address, 1, 101));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", error.Name);
        Assert.False(error.IsSticky);
        cuda.Stream.Fill(memory.Address, 1, 100);
    }
}
