using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Rows that are drafts, kept or not, against the same rows run one by one: every bit of outputs and states must agree.</summary>
public sealed class DeltaRuleDraftTests
{
    private const int MaxDrafts = 4, Steps = 40;

    [Theory]
    [InlineData(2, 6, 24, 16, 4)]
    [InlineData(1, 1, 8, 32, 4)]
    [InlineData(3, 3, 64, 40, 2)]
    public void DeltaRule_DraftsKeptAtRandom_LeavesTheBitsOfPlainSteps(int keyHeads, int valueHeads, int keyDim, int valueDim, int taps)
    {
        using var memory = new TestMemory(keyDim);
        using var backend = new CpuBackend(2);
        var p = DeltaRuleTests.Parameters(memory, keyHeads, valueHeads, keyDim, valueDim, taps);
        var random = new Random(1);
        var drafted = States(memory, p, slots: 3);
        var plain = States(memory, p, slots: 3);
        Fill(memory, drafted, plain);
        var kept = new int[3];

        for (var step = 0; step < Steps; step++)
        {
            // Each of three sequences: one certain row, or ten, and drafts of which only the first few will turn out right.
            var batch = new Batch(64, 3, 1);
            var rows = new List<float[]>();
            var nextKept = new int[3];
            for (var n = 0; n < 3; n++)
            {
                int certain = random.Next(5) == 0 ? 10 : 1, drafts = random.Next(MaxDrafts + 1);
                nextKept[n] = random.Next(drafts + 1);
                batch.Add(new int[certain + drafts], 1, n, [0], false, false, drafts, kept[n]);
                for (var i = 0; i < certain + drafts; i++) rows.Add(memory.Random(2, p.ProjectedWidth).AsSpan().ToArray());
            }
            var heads = Run(backend, memory, p, drafted, batch, rows);
            for (var n = 0; n < 3; n++)
            {
                var good = batch.SequenceStart[n + 1] - batch.Drafts[n] + nextKept[n];
                for (var t = batch.SequenceStart[n]; t < good; t++)
                {
                    var one = new Batch(1, 1, 1);
                    one.Add([0], 1, n, [0], false, false);
                    Assert.Equal(Run(backend, memory, p, plain, one, [rows[t]])[0], heads[t]);
                }
            }
            kept = nextKept;
        }
        Settle(backend, memory, p, drafted, kept);
        AssertSame(drafted, plain, taps);
    }

    [Fact]
    public void DeltaRule_NoDrafts_DoesNotReadTheRoomForThem()
    {
        using var memory = new TestMemory(5);
        using var backend = new CpuBackend(1);
        var p = DeltaRuleTests.Parameters(memory, 2, 4, 16, 16, 4);
        var states = States(memory, p, slots: 1);
        foreach (var tensor in new[] { states.Drafts.Keys, states.Drafts.Corrections, states.Drafts.Decays, states.Conv.At(0).Rows(3, MaxDrafts) }) tensor.AsSpan().Fill(float.NaN);
        var batch = new Batch(32, 1, 1);
        batch.Add(new int[20], 0, 0, [0], false, false);
        var heads = Run(backend, memory, p, states, batch, [.. Enumerable.Range(0, 20).Select(_ => memory.Random(2, p.ProjectedWidth).AsSpan().ToArray())]);
        Assert.All(heads, row => Assert.All(row, v => Assert.True(float.IsFinite(v))));
        Assert.All(states.Recurrent.AsSpan().ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    private static float[][] Run(CpuBackend backend, TestMemory memory, DeltaRuleParameters p, DeltaStates states, Batch batch, IReadOnlyList<float[]> rows)
    {
        var projected = memory.Zeros(rows.Count, p.ProjectedWidth);
        for (var t = 0; t < rows.Count; t++) rows[t].CopyTo(projected.Rows(t, 1).AsSpan());
        var heads = memory.Zeros(rows.Count, p.ValueHeads * p.ValueDim);
        backend.DeltaRule(p, projected, states, batch, heads, DeltaRuleForm.Recurrent);
        return [.. heads.AsSpan().ToArray().Chunk(p.ValueHeads * p.ValueDim)];
    }

    /// <summary>A step without rows takes in what was kept.</summary>
    private static void Settle(CpuBackend backend, TestMemory memory, DeltaRuleParameters p, DeltaStates states, int[] kept)
    {
        var batch = new Batch(1, 3, 1);
        for (var n = 0; n < 3; n++) batch.Add([], 1, n, [0], false, false, 0, kept[n]);
        Run(backend, memory, p, states, batch, []);
    }

    private static DeltaStates States(TestMemory memory, DeltaRuleParameters p, int slots) => new(
        memory.Zeros(slots, p.ValueHeads, p.KeyDim, p.ValueDim), memory.Zeros(slots, p.Conv.Shape[0] - 1 + MaxDrafts, p.ConvChannels),
        new DeltaDrafts(memory.Zeros(slots, MaxDrafts, p.KeyHeads, p.KeyDim), memory.Zeros(slots, MaxDrafts, p.ValueHeads, p.ValueDim), memory.Zeros(slots, MaxDrafts, p.ValueHeads)));

    private static void Fill(TestMemory memory, DeltaStates a, DeltaStates b)
    {
        memory.Random(0.3f, (int)a.Recurrent.Shape.Elements).AsSpan().CopyTo(a.Recurrent.AsSpan());
        memory.Random(1, (int)a.Conv.Shape.Elements).AsSpan().CopyTo(a.Conv.AsSpan());
        a.Recurrent.AsSpan().CopyTo(b.Recurrent.AsSpan());
        a.Conv.AsSpan().CopyTo(b.Conv.AsSpan());
    }

    private static void AssertSame(DeltaStates a, DeltaStates b, int taps)
    {
        Assert.Equal(b.Recurrent.AsSpan().ToArray(), a.Recurrent.AsSpan().ToArray());
        for (var n = 0; n < 3; n++)
            Assert.Equal(b.Conv.At(n).Rows(0, taps - 1).AsSpan().ToArray(), a.Conv.At(n).Rows(0, taps - 1).AsSpan().ToArray());
    }
}
