using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public sealed class KernelTests : IDisposable
{
    private const string Text = """
        extern "C" __global__ void __launch_bounds__(128) scale(float* x, int n, float factor) {
            const int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) x[i] *= factor;
        }
        extern "C" __global__ void where(int* out) {
            const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
            const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
            out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
        }
        extern "C" __global__ void mirror(int* out, int n) {
            // A name with linkage must not be one that the compiler declares itself, as NVRTC 13 does with `all`.
            extern __shared__ int values[];
            for (int i = threadIdx.x; i < n; i += blockDim.x) values[i] = i;
            __syncthreads();
            for (int i = threadIdx.x; i < n; i += blockDim.x) out[i] = values[n - 1 - i];
        }
        extern "C" __global__ void widths(long long* out, long long a, int b, unsigned long long c, unsigned d) { out[0] = a, out[1] = b, out[2] = c, out[3] = d; }
        """;

    private readonly CudaFixture _cuda;
    private readonly KernelModule _kernels;

    public KernelTests(CudaFixture cuda)
    {
        _cuda = cuda;
        _kernels = cuda.Device.Load(TestKernels.Source("kernel_tests.cu", Text));
    }

    [Fact]
    public void Launch_ARow_ComputesIt()
    {
        float[] values = [.. Enumerable.Range(0, 1000)];
        using var x = _cuda.Device.Allocate(4000);
        _cuda.Stream.Upload<float>(x.Address, values);
        _kernels.GetKernel("scale").Launch(_cuda.Stream, 8, 128, 0, x.Address, values.Length, -2.5f);
        var result = new float[1000];
        _cuda.Stream.Download<float>(result, x.Address);
        Assert.Equal(values.Select(value => -2.5f * value), result);
    }

    [Fact]
    public void Launch_ThreeDimensions_GivesEachThreadItsPlace()
    {
        using var x = _cuda.Device.Allocate(24 * 30 * 4);
        _kernels.GetKernel("where").Launch(_cuda.Stream, (2, 3, 4), (5, 3, 2), 0, x.Address);
        var result = new int[24 * 30];
        _cuda.Stream.Download<int>(result, x.Address);
        Assert.Equal(Enumerable.Range(0, 24 * 30).Select(i => i / 30 * 1000 + i % 30), result);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(12 << 10)]
    [InlineData(24 << 10)]
    public void Launch_DynamicSharedMemory_IsThereBeyond48KiB(int count)
    {
        Assert.SkipWhen(count * 4 > _cuda.Device.MaxSharedBytes, "this GPU has less shared memory");
        using var x = _cuda.Device.Allocate(count * 4);
        var kernel = _kernels.GetKernel("mirror");
        kernel.Launch(_cuda.Stream, 1, 256, count * 4, x.Address, count);
        var result = new int[count];
        _cuda.Stream.Download<int>(result, x.Address);
        Assert.Equal(Enumerable.Range(0, count).Reverse(), result);
    }

    [Fact]
    public void Launch_MoreSharedMemoryThanThereIs_SaysTheLimit()
    {
        var error = Assert.Throws<Qwen3NextException>(() => _kernels.GetKernel("mirror").Launch(_cuda.Stream, 1, 256, 1 << 20, 0, 0));
        Assert.Contains("kernel mirror of kernel_tests.cu asks for 1048576 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Launch_ArgumentsOfAllWidths_Arrive()
    {
        using var x = _cuda.Device.Allocate(32);
        _kernels.GetKernel("widths").Launch(_cuda.Stream, 1, 1, 0, x.Address, -1, -2, 1L << 40, uint.MaxValue);
        var result = new long[4];
        _cuda.Stream.Download<long>(result, x.Address);
        Assert.Equal([-1, -2, 1L << 40, uint.MaxValue], result);
    }

    [Theory]
    [InlineData(1, 129)]
    [InlineData(0, 128)]
    public void Launch_BeyondALimit_IsAnErrorThatPasses(int grid, int block)
    {
        var kernel = _kernels.GetKernel("scale");
        Assert.Equal(128, kernel.MaxThreads);
        using var x = _cuda.Device.Allocate(16);
        var error = Assert.Throws<CudaException>(() => kernel.Launch(_cuda.Stream, grid, block, 0, x.Address, 4, 1f));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", error.Name);
        Assert.Contains($"grid {grid} x 1 x 1, block {block} x 1 x 1", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsSticky);
        _cuda.Stream.Synchronize();
    }

    [Fact]
    public void Launch_Repeated_AllocatesNothing()
    {
        using var x = _cuda.Device.Allocate(400);
        var kernel = _kernels.GetKernel("scale");
        Launches(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Launches(100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Launches(int count)
        {
            for (var i = 0; i < count; i++) kernel.Launch(_cuda.Stream, 1, 128, 0, x.Address, 100, 1.0f);
            _cuda.Stream.Synchronize();
        }
    }

    [Fact]
    public void GetKernel_ThatIsNotThere_NamesItAndTheSource()
    {
        var error = Assert.Throws<CudaException>(() => _kernels.GetKernel("missing"));
        Assert.Contains("kernel missing in kernel_tests.cu", error.Message, StringComparison.Ordinal);
        Assert.Equal("CUDA_ERROR_NOT_FOUND", error.Name);
    }

    public void Dispose() => _kernels.Dispose();
}
