using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed class LinearTests(CudaFixture cuda)
{
    private static readonly (int Width, (DType, int)[] Parts)[] Shapes =
    [
        (8, [(DType.BF16, 1)]),
        (16, [(DType.F8E4M3, 3)]),
        (136, [(DType.BF16, 67), (DType.BF16, 16), (DType.BF16, 5)]),
        (272, [(DType.F8E4M3, 130), (DType.BF16, 33)]),
        (1152, [(DType.F8E4M3, 50)]),
        (1096, [(DType.BF16, 35)]),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    public void Project_AwkwardSizes_MeetsTheCpu(int rows)
    {
        using var backend = new CudaBackend(cuda.Device);
        foreach (var (width, parts) in Shapes)
        {
            using var some = new LinearCase(backend, rows, width, parts);
            some.Project();
            some.NormProject();
            some.ProjectAdd();
            some.Logits();
            using var exact = new LinearCase(backend, rows, width, parts, exact: true);
            exact.Project();
            exact.ProjectAdd();
        }
    }

    [Theory]
    [InlineData(130, 400)]
    [InlineData(257, 300)]
    public void Project_ManyTiles_MeetsTheCpu(int rows, int outputs)
    {
        using var backend = new CudaBackend(cuda.Device);
        foreach (var (type, width) in new[] { (DType.BF16, 200), (DType.F8E4M3, 336) })
        {
            using var some = new LinearCase(backend, rows, width, [(type, outputs), (DType.BF16, 20)]);
            some.NormProject();
            some.ProjectAdd();
            using var exact = new LinearCase(backend, rows, width, [(type, outputs), (DType.BF16, 20)], exact: true);
            exact.Project();
        }
    }

    [Fact]
    public void NormProject_AnyCompany_GivesARowTheSameBits()
    {
        using var backend = new CudaBackend(cuda.Device);
        using var rows = new LinearCase(backend, 8, 272, [(DType.F8E4M3, 130), (DType.BF16, 33)]);
        var together = rows.NormProjectRows(0, 8);
        var outputs = together.Length / 8;
        for (var row = 0; row < 8; row++) Assert.Equal(together.AsSpan(row * outputs, outputs).ToArray(), rows.NormProjectRows(row, 1));
    }

    [Fact]
    public void Project_WidthsThatDoNotAgree_SaysSo()
    {
        using var backend = new CudaBackend(cuda.Device);
        var w = new Qwen3Next.AI.Ops.Linear.LinearWeight(backend.Allocate(DType.BF16, new Shape(4, 16)));
        var (x, y) = (backend.Allocate(DType.F32, new Shape(1, 24)), backend.Allocate(DType.F32, new Shape(1, 4)));
        var error = Assert.Throws<ArgumentException>(() => backend.Project(x, [w], y));
        Assert.Contains("[4, 16]", error.Message);
        Assert.Contains("24", error.Message);
    }
}
