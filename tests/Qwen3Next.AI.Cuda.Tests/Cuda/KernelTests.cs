using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public class KernelTests(CudaFixture cuda)
{
    private const string Scale = """
        extern "C" __global__ void __launch_bounds__(256) scale(float* x, int n, float factor) {
            const int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) x[i] *= factor * SIGN;
        }
        """;

    [Fact]
    public void Launch_OfACompiledKernel_ComputesOnTheDevice()
    {
        using var module = cuda.Device.Load(new KernelSource("scale.cu", Scale, new Dictionary<string, string>()), "SIGN=-1");
        var kernel = module.GetKernel("scale");
        float[] values = [.. Enumerable.Range(0, 1000)];
        using var x = cuda.Device.Allocate(values.Length * sizeof(float));
        cuda.Stream.Upload<float>(x.Address, values);
        kernel.Launch(cuda.Stream, 4, 256, 0, x.Address, values.Length, 2.5f);
        var result = new float[values.Length];
        cuda.Stream.Download<float>(result, x.Address);
        Assert.Equal(values.Select(value => -2.5f * value), result);
    }
}
