using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class CudaGraphTests(CudaFixture cuda)
{
    private const string Add = """
        extern "C" __global__ void add(int* x, int n, int step) {
            const int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) x[i] += step;
        }
        """;

    [Fact]
    public void Launch_OfARecording_RepeatsItsWork()
    {
        using var kernels = cuda.Device.Load(TestKernels.Source("add.cu", Add));
        var add = kernels.GetKernel("add");
        using var x = cuda.Device.Allocate(400);
        using var y = cuda.Device.Allocate(400);
        cuda.Stream.Fill(x.Address, 0, 400);
        cuda.Stream.Fill(y.Address, 1, 400);
        using var graph = cuda.Stream.Capture(() =>
        {
            add.Launch(cuda.Stream, 2, 64, 0, x.Address, 100, 5);
            cuda.Stream.Copy(y.Address, x.Address, 200);
            add.Launch(cuda.Stream, 2, 64, 0, y.Address, 50, -1);
            cuda.Stream.Fill(y.Address + 200, 0, 200);
        });
        Assert.Equal(0, Read(x)[0]);
        Assert.Equal(0x01010101, Read(y)[99]);
        for (var i = 0; i < 3; i++) graph.Launch(cuda.Stream);
        Assert.All(Read(x), value => Assert.Equal(15, value));
        Assert.Equal([.. Enumerable.Repeat(14, 50), .. Enumerable.Repeat(0, 50)], Read(y));
    }

    [Fact]
    public void Capture_OfTwoStreams_HoldsBothBranches()
    {
        using var kernels = cuda.Device.Load(TestKernels.Source("add.cu", Add));
        var add = kernels.GetKernel("add");
        using var side = cuda.Device.CreateStream();
        using var fork = cuda.Device.CreateEvent();
        using var join = cuda.Device.CreateEvent();
        using var x = cuda.Device.Allocate(400);
        cuda.Stream.Fill(x.Address, 0, 400);
        using var graph = cuda.Stream.Capture(() =>
        {
            cuda.Stream.Record(fork);
            side.Wait(fork);
            add.Launch(side, 1, 64, 0, x.Address, 50, 1);
            side.Record(join);
            add.Launch(cuda.Stream, 1, 64, 0, x.Address + 200, 50, 2);
            cuda.Stream.Wait(join);
        });
        graph.Launch(cuda.Stream);
        Assert.Equal([.. Enumerable.Repeat(1, 50), .. Enumerable.Repeat(2, 50)], Read(x));
        add.Launch(side, 1, 64, 0, x.Address, 1, 1);
        side.Synchronize();
        Assert.Equal(2, Read(x)[0]);
    }

    [Fact]
    public void Capture_ThatFails_LeavesTheStreamUsable()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => cuda.Stream.Capture(() => throw new InvalidOperationException("of the caller")));
        Assert.Equal("of the caller", failure.Message);
        Assert.Throws<CudaException>(() => cuda.Stream.Capture(cuda.Stream.Synchronize));
        using var x = cuda.Device.Allocate(400);
        cuda.Stream.Fill(x.Address, 0, 400);
        Assert.All(Read(x), value => Assert.Equal(0, value));
    }

    private int[] Read(DeviceMemory memory)
    {
        var values = new int[100];
        cuda.Stream.Download<int>(values, memory.Address);
        return values;
    }
}
