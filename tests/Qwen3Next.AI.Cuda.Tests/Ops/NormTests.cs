using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed class NormTests(CudaFixture cuda)
{
    [Theory]
    [InlineData(1, 2048)]
    [InlineData(3, 8)]
    [InlineData(65, 264)]
    public void Norm_AwkwardSizes_MeetsTheCpu(int rows, int width)
    {
        using var memory = new TestMemory(width);
        using var cpu = new CpuBackend(1);
        using var backend = new CudaBackend(cuda.Device);
        var (x, weight) = (memory.Random(3, rows, width), memory.Random(2, width));
        var expected = memory.Zeros(rows, width + 16);
        var actual = backend.Allocate(DType.F32, expected.Shape);
        cpu.Norm(x, weight, 1e-6f, expected, column: 16);
        backend.Norm(backend.Place(x), backend.Place(weight), 1e-6f, actual, column: 16);
        AssertClose(expected.AsSpan(), backend.Read(actual));
    }

    [Fact]
    public void Norm_InPlace_MeetsTheCpu()
    {
        using var memory = new TestMemory(1);
        using var cpu = new CpuBackend(1);
        using var backend = new CudaBackend(cuda.Device);
        var (x, weight) = (memory.Random(1, 5, 1160), memory.Random(2, 1160));
        var placed = backend.Place(x);
        backend.Norm(placed, backend.Place(weight), 1e-5f, placed);
        cpu.Norm(x, weight, 1e-5f, x);
        AssertClose(x.AsSpan(), backend.Read(placed));
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= MathF.ScaleB(MathF.Abs(expected[i]), -20), $"element {i}: {actual[i]:R} for {expected[i]:R}");
    }
}
