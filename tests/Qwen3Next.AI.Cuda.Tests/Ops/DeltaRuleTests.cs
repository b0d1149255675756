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
        _ = cuda.Device;
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
    public void DeltaRule_RecordedSteps_MeetTheCpu()
    {
        // Six rows of two sequences each time, so all but the first are one recording, however the rows are shared out.
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(1, 1, 32, 32), slots: 2);
        some.Step(DeltaRuleForm.Auto, F32, (1, 3, 0), 2);
        some.Step(DeltaRuleForm.Auto, F32, (2, 1, 2), (1, 2, 0));
        some.Step(DeltaRuleForm.Auto, F32, (1, 0, 1), (1, 4, 2));
        some.Step(DeltaRuleForm.Auto, F32, 0, (6, 0, 3));
        some.Step(DeltaRuleForm.Auto, F32, 5, 1);
        some.CheckStates();
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
        _ = cuda.Device;
        Assert.SkipWhen(cuda.IsEmulated, "Too much for an emulated device.");
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(16, 32, 128, 128), slots: 5);
        some.Step(DeltaRuleForm.Auto, Tf32, 1000, 127, 64, (1, 3, 0), 1);
        some.Step(DeltaRuleForm.Auto, Tf32, 1, (1, 2, 0), 1, (1, 4, 2), 1);
        some.CheckStates();
    }

    [Theory]
    [InlineData(80, 108)]
    [InlineData(86, 4)]
    [InlineData(90, 132)]
    public void DeltaRule_OtherGpus_MeetsTheCpu(int capability, int multiprocessors)
    {
        // Less shared memory holds one chunk instead of two; more multiprocessors get smaller pieces.
        _ = cuda.Device;
        Assert.SkipUnless(cuda.IsEmulated, "A GPU is what it is.");
        using var kind = Emulator.With("CAPABILITY", capability, 90);
        using var size = Emulator.With("MULTIPROCESSORS", multiprocessors, 4);
        using var device = CudaDevice.Open();
        using var backend = new CudaBackend(device);
        using var some = new DeltaRuleCase(backend, Real, slots: 2);
        some.Step(DeltaRuleForm.Auto, Tf32, 150, (1, 2, 0));
        some.Step(DeltaRuleForm.Auto, Tf32, (17, 2, 0), (65, 0, 2));
        some.CheckStates();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(40)]
    public void DeltaRule_Again_AllocatesNothing(int rows)
    {
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, Tiny, slots: 2);
        Assert.Equal(0, some.BytesOfACall(rows, (1, 2, 0)));
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
        var how = Enum.Parse<DeltaRuleForm>(form);
        var together = some.Run(how, rows, some.CopyOfStates(), 70, 3, 77);
        Assert.Equal(some.Run(how, rows.AsSpan(0, 70), some.CopyOfStates(), 70), together[..70]);
        Assert.Equal(some.Run(how, rows.AsSpan(73, 77), some.CopyOfStates(), 0, 0, 77), together[73..]);
    }

    [Fact]
    public void DeltaRule_MoreHeadsThanMultiprocessors_LeavesTheBitsOfFew()
    {
        // One block a head then, instead of several.
        using var backend = new CudaBackend(cuda.Device);
        var sequences = cuda.Device.Multiprocessors / 2 + 1;
        using var some = new DeltaRuleCase(backend, Tiny, sequences);
        var rows = Enumerable.Range(0, 2 * sequences).Select(_ => some.Row()).ToArray();
        var (many, few) = (some.CopyOfStates(), some.CopyOfStates());
        var together = some.Run(DeltaRuleForm.Recurrent, rows, many, [.. Enumerable.Repeat(new DeltaRuleRows(1, 1, 0), sequences)]);
        Assert.Equal(some.Run(DeltaRuleForm.Recurrent, rows.AsSpan(0, 2), few, (1, 1, 0)), together[..2]);
        var (a, b) = (many.Drafts, few.Drafts);
        foreach (var (x, y) in new[] { (many.Recurrent, few.Recurrent), (many.Conv, few.Conv), (a.Corrections, b.Corrections), (a.Decays, b.Decays), (a.Keys, b.Keys) })
            Assert.Equal(backend.Read(y.Rows(sequences - 1, 1)).ToArray(), backend.Read(x.Rows(sequences - 1, 1)).ToArray());
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
