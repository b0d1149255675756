using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Rows that are drafts, kept or not, against the same rows run one by one on the same device: every bit must agree.</summary>
public sealed class DeltaRuleDraftTests(CudaFixture cuda)
{
    private const int Steps = 12;

    [Theory]
    [InlineData(3, 2, 6, 24, 16, 4)]
    [InlineData(3, 1, 2, 128, 128, 4)]
    [InlineData(1, 1, 2, 128, 128, 4)]
    [InlineData(1, 1, 3, 48, 64, 4)]
    [InlineData(3, 3, 3, 64, 40, 2)]
    public void DeltaRule_DraftsKeptAtRandom_LeavesTheBitsOfPlainSteps(int sequenceCount, int keyHeads, int valueHeads, int keyDim, int valueDim, int taps)
    {
        _ = cuda.Device;
        using var order = cuda.IsEmulated ? Emulator.With("SEED", keyDim, 0) : null;
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(keyHeads, valueHeads, keyDim, valueDim, taps), sequenceCount);
        var (drafted, plain, random, kept) = (some.CopyOfStates(), some.CopyOfStates(), new Random(1), new int[sequenceCount]);
        for (var step = 0; step < Steps; step++)
        {
            // Each sequence: one certain row, or ten, and drafts of which only the first few will turn out right.
            DeltaRuleRows[] sequences = [.. kept.Select(k => new DeltaRuleRows(random.Next(5) == 0 ? 10 : 1, random.Next(DeltaRuleCase.MaxDrafts + 1), k))];
            float[][] rows = [.. Enumerable.Range(0, sequences.Sum(s => s.Certain + s.Drafts)).Select(_ => some.Row())];
            var heads = some.Run(DeltaRuleForm.Recurrent, rows, drafted, sequences);
            kept = [.. sequences.Select(s => random.Next(s.Drafts + 1))];
            AssertPlain(some, plain, sequences, kept, rows, heads);
        }
        // A step without rows takes in what was kept.
        some.Run(DeltaRuleForm.Recurrent, [], drafted, [.. kept.Select(k => new DeltaRuleRows(0, 0, k))]);
        Assert.Equal(backend.Read(plain.Recurrent).ToArray(), backend.Read(drafted.Recurrent).ToArray());
        for (var n = 0; n < sequenceCount; n++)
            Assert.Equal(backend.Read(plain.Conv.At(n).Rows(0, taps - 1)).ToArray(), backend.Read(drafted.Conv.At(n).Rows(0, taps - 1)).ToArray());
    }

    [Fact]
    public void DeltaRule_NoDrafts_DoesNotReadTheRoomForThem()
    {
        using var backend = new CudaBackend(cuda.Device);
        using var some = new DeltaRuleCase(backend, new DeltaRuleSizes(2, 4, 32, 32), slots: 1);
        var states = some.CopyOfStates();
        foreach (var tensor in new[] { states.Drafts.Keys, states.Drafts.Corrections, states.Drafts.Decays, states.Conv.At(0).Rows(3, DeltaRuleCase.MaxDrafts) })
            backend.Write(Enumerable.Repeat(float.NaN, (int)tensor.Shape.Elements).ToArray(), tensor);
        foreach (var form in new[] { DeltaRuleForm.Recurrent, DeltaRuleForm.Chunked })
            Assert.All(some.Run(form, [.. Enumerable.Range(0, 20).Select(_ => some.Row())], states, 20), row => Assert.All(row, v => Assert.True(float.IsFinite(v))));
        Assert.All(backend.Read(states.Recurrent).ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    /// <summary>The certain rows and kept drafts, one a step.</summary>
    private static void AssertPlain(DeltaRuleCase some, DeltaStates plain, DeltaRuleRows[] sequences, int[] kept, float[][] rows, float[][] heads)
    {
        var t = 0;
        for (var n = 0; n < sequences.Length; n++)
        {
            var good = sequences[n].Certain + kept[n];
            for (var i = 0; i < good; i++)
            {
                var one = sequences.Select((_, other) => new DeltaRuleRows(other == n ? 1 : 0, 0, 0)).ToArray();
                Assert.Equal(some.Run(DeltaRuleForm.Recurrent, [rows[t + i]], plain, one)[0], heads[t + i]);
            }
            t += sequences[n].Certain + sequences[n].Drafts;
        }
    }
}
