using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
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
}
