using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
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

    // The in-projection of a DeltaNet layer of the 80B model, and the projection out of it.
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(32)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Project_RealSizes_MeetsTheCpu(int rows)
    {
        if (cuda.IsEmulated) Assert.Skip("Products of this size take the emulated device minutes.");
        foreach (var narrowFrom in rows > 64 ? [int.MaxValue, 1] : new[] { int.MaxValue })
        {
            using var backend = new CudaBackend(cuda.Device) { NarrowRowsFrom = narrowFrom };
            using var into = new LinearCase(backend, rows, 2048, [(DType.F8E4M3, 12288), (DType.BF16, 64)], narrow: narrowFrom == 1);
            into.NormProject();
            using var outOf = new LinearCase(backend, rows, 4096, [(DType.F8E4M3, 2048)], narrow: narrowFrom == 1);
            outOf.ProjectAdd();
        }
    }

    [Theory]
    [InlineData(9, 16)]
    [InlineData(65, 336)]
    [InlineData(130, 400)]
    public void Project_NarrowRows_MeetsTheCpu(int rows, int width)
    {
        using var backend = new CudaBackend(cuda.Device) { NarrowRowsFrom = 9 };
        (DType, int)[] parts = [(DType.F8E4M3, 150), (DType.BF16, 20), (DType.F8E4M3, 7)];
        using var some = new LinearCase(backend, rows, width, parts, narrow: true);
        some.Project();
        some.NormProject();
        some.ProjectAdd();
        using var exact = new LinearCase(backend, rows, width, parts, exact: true, narrow: true);
        exact.Project();
        exact.ProjectAdd();
    }

    [Theory]
    [InlineData(3)]
    [InlineData(65)]
    public void NormProject_ThreadsInAnyOrder_GiveTheSameBits(int rows)
    {
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU has an order of its own.");
        using var backend = new CudaBackend(cuda.Device);
        using var some = new LinearCase(backend, rows, 272, [(DType.F8E4M3, 130), (DType.BF16, 33)]);
        var inOrder = some.NormProjectRows(0, rows);
        for (var seed = 1; seed <= 3; seed++)
        {
            using var shuffled = Emulator.With("SEED", seed, normally: 0);
            Assert.Equal(inOrder, some.NormProjectRows(0, rows));
        }
    }

    /// <summary>With less shared memory eight wide rows meet other kernels; before 8.9 there are no products of FP8 numbers.</summary>
    [Theory]
    [InlineData(80, 4)]
    [InlineData(86, 4)]
    [InlineData(89, 132)]
    [InlineData(90, 132)]
    public void NormProject_OtherDevices_MeetsTheCpu(int capability, int multiprocessors)
    {
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU is what it is.");
        using var some = Emulator.With("CAPABILITY", capability, 90);
        using var many = Emulator.With("MULTIPROCESSORS", multiprocessors, 4);
        using var device = CudaDevice.Open();
        using var backend = new CudaBackend(device) { NarrowRowsFrom = capability == 86 ? 8 : int.MaxValue };
        foreach (var rows in new[] { 2, 8, 20 })
        {
            using var wide = new LinearCase(backend, rows, 4096, [(DType.F8E4M3, 20), (DType.BF16, 20)]);
            wide.NormProject();
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void NormProject_Again_AllocatesNothing(int rows)
    {
        using var backend = new CudaBackend(cuda.Device);
        var (norm, y) = (backend.Allocate(DType.F32, new Shape(64)), backend.Allocate(DType.F32, new Shape(rows, 40)));
        var (x, w) = (backend.Allocate(DType.F32, new Shape(rows, 64)), new LinearWeight(backend.Allocate(DType.BF16, new Shape(40, 64))));
        backend.NormProject(x, norm, 1e-6f, [w], y);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5; i++) backend.NormProject(x, norm, 1e-6f, [w], y);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void NormProject_Recorded_ReplaysWithNewValues()
    {
        using var backend = new CudaBackend(cuda.Device);
        using var memory = new TestMemory(1);
        var weight = backend.Place(new LinearWeight(memory.Random(1, 40, 64)));
        var (x, norm, y) = (backend.Allocate(DType.F32, new Shape(20, 64)), backend.Place(memory.Random(1, 64)), backend.Allocate(DType.F32, new Shape(20, 40)));
        foreach (var rows in new[] { 2, 20 })
        {
            void Compute() => backend.NormProject(x.Rows(0, rows), norm, 1e-6f, [weight], y.Rows(0, rows));
            for (var run = 0; run < 4; run++)
            {
                var values = memory.Random(1, 20, 64);
                backend.Write(values.AsSpan(), x);
                Compute();
                var expected = backend.Read(y).ToArray();
                backend.Clear(y.Rows(0, rows));
                backend.Run(new StepShape(0, rows, 1), Compute);
                Assert.Equal(expected, backend.Read(y).ToArray());
            }
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
        var w = new LinearWeight(backend.Allocate(DType.BF16, new Shape(4, 16)));
        var (x, y) = (backend.Allocate(DType.F32, new Shape(1, 24)), backend.Allocate(DType.F32, new Shape(1, 4)));
        var error = Assert.Throws<ArgumentException>(() => backend.Project(x, [w], y));
        Assert.Contains("[4, 16]", error.Message);
        Assert.Contains("24", error.Message);
    }
}
