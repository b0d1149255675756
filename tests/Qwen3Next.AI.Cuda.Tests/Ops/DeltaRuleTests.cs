using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed class DeltaRuleTests(CudaFixture cuda)
{
    // Roundings of single precision along a sum of 128, and of the operands of tensor cores.
    private const float F32 = 1f / (1 << 21), Tf32 = 1f / (1 << 11);

    private static readonly DeltaRuleSizes Tiny = new(1, 2, 32, 32), Real = new(1, 2, 128, 128);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(65)]
    public void DeltaRule_Recurrent_MeetsTheCpu(int rows)
    {
        using var backend = new CudaBackend(cuda.Device);
        foreach (var sizes in new DeltaRuleSizes[] { new(2, 6, 24, 16), new(1, 1, 8, 8, 2), new(3, 3, 64, 40), Tiny, new(2, 4, 128, 128) })
        {
            using var some = new DeltaRuleCase(backend, sizes, slots: 4);
            some.Step(DeltaRuleForm.Recurrent, F32, rows);
            some.Step(DeltaRuleForm.Recurrent, F32, 1, rows, 2);
            some.CheckStates();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(127)]
    public void DeltaRule_Chunked_MeetsTheCpu(int rows)
    {
        using var backend = new CudaBackend(cuda.Device);
        foreach (var sizes in new DeltaRuleSizes[] { Tiny, new(2, 6, 64, 48), new(1, 3, 96, 16, 2), Real })
        {
            using var some = new DeltaRuleCase(backend, sizes, slots: 3);
            some.Step(DeltaRuleForm.Chunked, Tf32, rows);
            some.Step(DeltaRuleForm.Chunked, Tf32, 3, rows, 65);
            some.CheckStates();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void DeltaRule_DecodePromptsAndDraftsInOneStep_MeetsTheCpu(int seed)
    {
        using var order = cuda.IsEmulated ? Emulator.With("SEED", seed, 0) : null;
        using var backend = new CudaBackend(cuda.Device);
        foreach (var sizes in new[] { Tiny, Real })
        {
            using var some = new DeltaRuleCase(backend, sizes, slots: 5);
            some.Step(DeltaRuleForm.Auto, Tf32, (1, 3, 0), 130, (70, 2, 0), (2, 4, 0), 15);
            some.Step(DeltaRuleForm.Auto, Tf32, (16, 1, 3), 1, (1, 3, 2), (0, 0, 4), (40, 0, 0));
            some.Step(DeltaRuleForm.Auto, Tf32, (1, 0, 1), (2, 1, 0), (200, 0, 1), 1, 1);
            some.CheckStates();
        }
    }

    [Fact]
    public void DeltaRule_ManySegments_MeetsTheCpu()
    {
        // 1,100 rows of one sequence go through scratch memory in two parts; the state hardly decays, so every error stays.
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, Real, slots: 2, negExpA: -1e-4f);
        some.Step(DeltaRuleForm.Chunked, Tf32, 1100, 30);
        some.Step(DeltaRuleForm.Auto, Tf32, 1, 1);
        some.CheckStates();
    }

    [Fact]
    public void DeltaRule_RealHeads_MeetsTheCpu()
    {
        if (cuda.IsEmulated) Assert.Skip("16 key heads and 1,000 rows take an emulated GPU minutes");
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(16, 32, 128, 128), slots: 5);
        some.Step(DeltaRuleForm.Auto, Tf32, 1000, 127, 64, (1, 3, 0), 1);
        some.Step(DeltaRuleForm.Auto, Tf32, 1, (1, 2, 0), 1, (1, 4, 2), 1);
        some.CheckStates();
    }

    [Fact]
    public void DeltaRule_LittleSharedMemory_MeetsTheCpu()
    {
        if (!cuda.IsEmulated) Assert.Skip("needs a GPU of another kind, which only the emulator can be");
        using var capability = Emulator.With("CAPABILITY", 86, 90);
        using var device = CudaDevice.Open();
        using var backend = new CudaBackend(device);
        using var some = new DeltaRuleCase(backend, Real, slots: 1);
        some.Step(DeltaRuleForm.Chunked, Tf32, 150);
        some.CheckStates();
    }

    [Theory]
    [InlineData("Chunked")]
    [InlineData("Recurrent")]
    public void DeltaRule_StrongDecay_StaysFinite(string form)
    {
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, Tiny, slots: 1, negExpA: -400);
        var rows = Enumerable.Range(0, 100).Select(_ => some.Row()).ToArray();
        Assert.All(some.Run(Enum.Parse<DeltaRuleForm>(form), rows, some.DeviceStates, 100), row => Assert.All(row, v => Assert.True(float.IsFinite(v))));
        Assert.All(backend.Read(some.DeviceStates.Recurrent).ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData("Chunked")]
    [InlineData("Recurrent")]
    public void DeltaRule_InOtherCompany_LeavesTheSameBits(string form)
    {
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, Tiny, slots: 3);
        var rows = Enumerable.Range(0, 150).Select(_ => some.Row()).ToArray();
        float[][] Alone(DeltaRuleForm how, int from, int count) => some.Run(how, rows.AsSpan(from, count), some.CopyOfStates(), count);
        var together = some.Run(Enum.Parse<DeltaRuleForm>(form), rows, some.CopyOfStates(), 70, 3, 77);
        Assert.Equal(Alone(Enum.Parse<DeltaRuleForm>(form), 0, 70), together[..70]);
    }

    [Fact]
    public void DeltaRule_HeadsOfAnotherKind_SaysWhichItTakes()
    {
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(1, 1, 20, 16), slots: 1);
        var error = Assert.Throws<NotSupportedException>(() => some.Run(DeltaRuleForm.Auto, [some.Row()], some.DeviceStates, 1));
        Assert.Contains("20 key and 16 value channels", error.Message);
    }
}
