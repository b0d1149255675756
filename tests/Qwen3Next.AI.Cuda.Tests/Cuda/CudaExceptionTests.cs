using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class CudaExceptionTests(CudaFixture cuda)
{
    [Theory]
    [InlineData(2, false)]
    [InlineData(214, true)]
    [InlineData(700, true)]
    [InlineData(701, false)]
    [InlineData(710, true)]
    [InlineData(719, true)]
    [InlineData(720, false)]
    public void IsSticky_ByCode_IsWhatTakesTheContextAlong(int code, bool sticky)
    {
        var error = new CudaException(code, "NAME", "It failed.", "Do this.");
        Assert.Equal(sticky, error.IsSticky);
        Assert.Contains(sticky ? "restart the process" : "Do this.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IllegalAddress_InAKernel_StaysWithEveryLaterCallAndTheProcessLives()
    {
        Assert.SkipUnless(cuda.IsEmulated, "would take the GPU from the tests that follow");
        var device = cuda.Device;
        using var kernels = device.Load(TestKernels.Source("stray.cu", "extern \"C\" __global__ void stray(int* x) { x[threadIdx.x] = 1; }"));
        using var x = device.Allocate(64);
        kernels.GetKernel("stray").Launch(cuda.Stream, 1, 32, 0, x.Address);
        try
        {
            var error = Assert.Throws<CudaException>(cuda.Stream.Synchronize);
            Assert.True(error.IsSticky);
            Assert.Equal((700, "CUDA_ERROR_ILLEGAL_ADDRESS"), (error.Code, error.Name));
            Assert.Throws<CudaException>(() => device.Allocate(16));
            Assert.True(Assert.Throws<CudaException>(() => cuda.Stream.Fill(x.Address, 0, 4)).IsSticky);
            Assert.True(Assert.Throws<CudaException>(() => CudaDevice.Open()).IsSticky);
        }
        finally
        {
            Emulator.Recover();
        }
    }
}
