using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>Faults in kernels that the emulated device must find: a test on it is worth as much as these.</summary>
public class EmulatorTests(CudaFixture cuda)
{
    [Theory]
    [InlineData("x[n] = 1", "writes .* byte 400 of an allocation of 400 bytes")]
    [InlineData("x[0] = x[n + 3]", "reads .* byte 412 of an allocation of 400 bytes")]
    [InlineData("x[-2000] = 1", "writes .* (before|of) an allocation")]
    [InlineData("x[0] = *(int*)8", "reads 0x8, where no device memory is")]
    public void OutOfBounds_IsReportedWithKernelAndThread(string statement, string report) =>
        Fails(statement, "CUDA_ERROR_ILLEGAL_ADDRESS", $@"kernel f, block \(1, 0, 0\), thread \(5, 0, 0\): {report}", "if (blockIdx.x == 1 && threadIdx.x == 5)");

    [Theory]
    [InlineData("if (threadIdx.x < 40) __syncthreads()", "40 wait at barrier 0 for 64")]
    [InlineData("if (threadIdx.x < 40) return; __syncthreads()", "24 of 64 have not ended; 24 wait at barrier 0 for 64")]
    [InlineData("if (threadIdx.x < 3) __syncwarp(); else __syncthreads()", "lanes 00000007 of warp 0 wait for ffffffff")]
    [InlineData("if (threadIdx.x & 1) __syncwarp(); else __ballot_sync(~0u, 1)", "meet in different intrinsics")]
    [InlineData("if (threadIdx.x & 1) __syncwarp(0x3); else __syncwarp()", "leaves it out")]
    [InlineData("if (threadIdx.x < 16) __syncwarp(0x3ffff); else __syncwarp()", "lanes 0000ffff of warp 0 wait for 0003ffff; lanes ffff0000 of warp 0 wait for ffffffff")]
    [InlineData("if (threadIdx.x == 0) x[0] = __ldcg((const int4*)(x + 1)).x", "not a multiple")]
    [InlineData("while (atomicAdd(x, 0) != 12345) __nanosleep(100)", "all threads poll")]
    [InlineData("assert(threadIdx.x < 20)", "assert\\(threadIdx.x < 20\\)")]
    [InlineData("__shared__ __align__(8) uint64_t b[1]; mbarrier_try_wait(b, 0)", "nobody initialised")]
    [InlineData("if (threadIdx.x < 32) { float d[4]; uint32_t a[4], b[2]; if (threadIdx.x < 31) mma_bf16(d, a, b); }", "needs all 32 lanes")]
    public void Misuse_IsReported(string statement, string report) => Fails(statement, "CUDA_ERROR_", report, "");

    [Fact]
    public void WaitForPreviousKernel_NeverCalled_IsReported()
    {
        using var kernels = Load("x[threadIdx.x] = 1");
        Fails(kernels.GetKernel("f", overlaps: true), "never waited");
    }

    [Fact]
    public void BulkLoad_NeverWaitedFor_IsReported() => Fails("""
        __shared__ __align__(16) int s[4];
        __shared__ __align__(8) uint64_t b[1];
        if (threadIdx.x == 0) { mbarrier_init(b, 1); mbarrier_arrive_expect(b, 16); bulk_load(s, x, 16, b); }
        """, "CUDA_ERROR_LAUNCH_FAILED", "bulk copies", "");

    [Fact]
    public void Read_OfReleasedMemory_IsReported()
    {
        using var kernels = Load("x[0] = 1");
        var memory = cuda.Device.Allocate(400);
        memory.Dispose();
        Fails(kernels.GetKernel("f"), "byte 0 of an allocation of 400 bytes that is freed", memory.Address);
    }

    [Fact]
    public void Launch_WrongNumberOfArguments_IsRefused()
    {
        using var kernels = Load("x[0] = 1");
        var error = Assert.Throws<CudaException>(() => kernels.GetKernel("f").Launch(cuda.Stream, 1, 1, 0, 0));
        Assert.Contains("given are 1 arguments; the kernel has 2 parameters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Allocate_FreshMemory_IsNaN()
    {
        Assert.SkipUnless(cuda.IsEmulated, "only the emulated device does this");
        using var memory = cuda.Device.Allocate(4000);
        var values = new float[1000];
        cuda.Stream.Download<float>(values, memory.Address);
        Assert.All(values, value => Assert.True(float.IsNaN(value)));
    }

    /// <summary>Each warp reads what the next one wrote. In order that can come out right; in some random orders it cannot.</summary>
    [Theory]
    [InlineData("__syncthreads();", true)]
    [InlineData("", false)]
    public void Seeds_FindAMissingBarrier(string barrier, bool right)
    {
        Assert.SkipUnless(cuda.IsEmulated, "only the emulated device has seeds");
        using var kernels = Load($"__shared__ int s[64]; s[63 - threadIdx.x] = threadIdx.x; {barrier} x[threadIdx.x] = s[(threadIdx.x + 1) % 64]");
        var wrong = Enumerable.Range(1, 5).Count(seed =>
        {
            using var order = Emulator.With("SEED", seed, normally: 0);
            return !Run(kernels.GetKernel("f"))[..64].SequenceEqual(Enumerable.Range(0, 64).Select(i => 63 - (i + 1) % 64));
        });
        Assert.Equal(right, wrong == 0);
    }

    [Fact]
    public void PrivateMemory_CopiesAndKernels_StillReachIt()
    {
        Assert.SkipUnless(cuda.IsEmulated, "only the emulated device has this setting");
        using var kernels = Load("if (threadIdx.x < n) x[threadIdx.x] = threadIdx.x");
        using var setting = Emulator.With("PRIVATE_MEMORY", 1, normally: 0);
        Assert.Equal(Enumerable.Range(0, 64), Run(kernels.GetKernel("f"))[..64]);
    }

    /// <summary>The emulated device looks at faults first, and must leave .NET its own.</summary>
    [Fact]
    public void NullReference_AfterALaunch_IsStillAnException()
    {
        using var kernels = Load("x[0] = 1");
        Run(kernels.GetKernel("f"));
        Assert.Throws<NullReferenceException>(() => Length(null!));

        static int Length(string text) => text.Length;
    }

    private int[] Run(Kernel kernel)
    {
        using var memory = cuda.Device.Allocate(400);
        kernel.Launch(cuda.Stream, 2, 64, 0, memory.Address, 100);
        var result = new int[100];
        cuda.Stream.Download<int>(result, memory.Address);
        return result;
    }

    private KernelModule Load(string statement, string condition = "")
    {
        Assert.SkipUnless(cuda.IsEmulated, "faults are looked for on the emulated device");
        return cuda.Device.Load(TestKernels.Source("fault.cu", $"#include \"dtype.cuh\"\nextern \"C\" __global__ void f(int* x, int n) {{ {condition} {{ {statement}; }} }}\n"));
    }

    private void Fails(string statement, string name, string report, string condition)
    {
        using var kernels = Load(statement, condition);
        Assert.StartsWith(name, Fails(kernels.GetKernel("f"), report).Name, StringComparison.Ordinal);
    }

    private CudaException Fails(Kernel kernel, string report, nint? address = null)
    {
        using var memory = cuda.Device.Allocate(400);
        cuda.Stream.Fill(memory.Address, 0, 400);
        kernel.Launch(cuda.Stream, 2, 64, 0, address ?? memory.Address, 100);
        var error = Assert.Throws<CudaException>(cuda.Stream.Synchronize);
        Emulator.Recover();
        Assert.Matches(report, error.Message);
        return error;
    }
}
