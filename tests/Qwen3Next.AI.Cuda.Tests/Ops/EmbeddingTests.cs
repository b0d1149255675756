using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed class EmbeddingTests(CudaFixture cuda)
{
    [Theory]
    [InlineData(8)]
    [InlineData(264)]
    [InlineData(2056)]
    public void Embed_TokensAndNextTokens_AreRowsOfTheTable(int width)
    {
        using var memory = new TestMemory(width);
        using var cpu = new CpuBackend(1);
        using var backend = new CudaBackend(cuda.Device);
        var values = memory.Random(1, 11, width);
        var table = memory.Store(values.AsSpan(), DType.BF16, 11, width);
        var batch = new Batch(8, 2, 1);
        batch.Add([3, 0, 10], 0, 0, [0], false, false);
        batch.Add([7], 5, 1, [1], false, false);
        ReadOnlySpan<int> next = [0, 10, 2, 9];
        next.CopyTo(batch.NextTokens);
        backend.Load(batch);
        var placed = backend.Place(new LinearWeight(table)).Weight;
        var (expected, actual) = (memory.Zeros(4, width), backend.Allocate(DType.F32, new Shape(4, width)));
        foreach (var ofNext in new[] { false, true })
        {
            cpu.Embed(table, batch, expected, ofNext);
            backend.Embed(placed, batch, actual, ofNext);
            Assert.Equal(expected.AsSpan().ToArray(), backend.Read(actual).ToArray());
        }
    }

    [Fact]
    public void Embed_TokensThatWereJustSampled_AreRowsOfTheTable()
    {
        using var memory = new TestMemory(1);
        using var cpu = new CpuBackend(1);
        using var backend = new CudaBackend(cuda.Device);
        var (values, logits) = (memory.Random(1, 11, 64), memory.Random(2, 3, 11));
        var table = memory.Store(values.AsSpan(), DType.BF16, 11, 64);
        var batch = new Batch(8, 2, 1);
        batch.Add([~2, 10, ~0], 0, 0, [0], false, false);
        batch.Add([~1], 5, 1, [1], false, false);
        var (expected, actual) = (memory.Zeros(4, 64), backend.Allocate(DType.F32, new Shape(4, 64)));
        var (placed, placedLogits) = (backend.Place(new LinearWeight(table)).Weight, backend.Place(logits));
        // Two samplings are under way: the rows are those of the later one, and the tokens of both can be read.
        var turns = new[] { Greedy(0), Greedy(1) };
        foreach (var turn in turns)
        {
            cpu.Sample(logits, turn);
            backend.Sample(placedLogits, turn);
            logits.AsSpan().Reverse();
            placedLogits = backend.Place(logits);
        }
        backend.Load(batch);
        cpu.Embed(table, batch, expected);
        backend.Embed(placed, batch, actual);
        Assert.Equal(expected.AsSpan().ToArray(), backend.Read(actual).ToArray());
        foreach (var turn in turns) Assert.Equal(cpu.ReadTokens(turn).ToArray(), backend.ReadTokens(turn).ToArray());
        Assert.NotEqual(cpu.ReadTokens(turns[0]).ToArray(), cpu.ReadTokens(turns[1]).ToArray());
    }

    private static SamplingRows Greedy(int turn)
    {
        var rows = new SamplingRows(3, 11, turn);
        for (var i = 0; i < 3; i++) rows.Add(new SamplingRow(SamplingParameters.Greedy, null, 0, i));
        return rows;
    }
}
