using Qwen3Next.AI.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed unsafe class AttentionTests
{
    private const int QueryHeads = 6, KvHeads = 2, HeadDim = 24, RotaryDim = 8, BlockSize = 16;

    [Theory]
    [InlineData(true, 1, 0)]
    [InlineData(true, 1, 700)]
    [InlineData(true, 33, 1100)]
    [InlineData(false, 65, 500)]
    [InlineData(true, 127, 3)]
    public void GatedAttention_MixedBatch_MeetsDoublePrecision(bool gated, int tokens, int cached)
    {
        using var memory = new TestMemory(tokens + cached);
        using var backend = new CpuBackend(2);
        var p = new AttentionParameters(QueryHeads, KvHeads, HeadDim, RotaryDim, gated, 1e-6f, memory.Random(1, HeadDim), memory.Random(1, HeadDim));
        var blocks = (cached + tokens + BlockSize - 1) / BlockSize;
        var pages = new KvPages(memory.Random(1, 2 * blocks, KvHeads, BlockSize, HeadDim), memory.Random(1, 2 * blocks, KvHeads, BlockSize, HeadDim));
        var batch = TestMemory.Batch(blocks, (cached, tokens), (2, 1));
        var total = batch.TokenCount;
        var projected = memory.Random(1, total, p.ProjectedWidth);
        var raw = projected.AsSpan().ToArray();
        var cosSin = memory.Zeros(total, RotaryDim);
        float[] frequencies = [1, 0.5f, 0.1f, 0.01f];
        var placed = memory.Zeros(frequencies.Length);
        backend.Write(frequencies, placed);
        backend.RotaryAngles(batch, placed, 1.1f, cosSin);
        var heads = memory.Random(1, total, QueryHeads * HeadDim);
        backend.GatedAttention(p, projected, cosSin, pages, batch, heads);

        // The pages now hold rotated keys and values of all positions: read them back and attend naively.
        for (var t = 0; t < total; t++)
        {
            var sequence = t < tokens ? 0 : 1;
            var row = raw.AsSpan(t * p.ProjectedWidth, p.ProjectedWidth);
            for (var h = 0; h < QueryHeads; h++)
            {
                var stride = gated ? 2 * HeadDim : HeadDim;
                var query = NormRotate(row.Slice(h * stride, HeadDim), p.QueryNorm.AsSpan(), batch.Positions[t], frequencies);
                var expected = Attend(query, pages, batch, sequence, batch.Positions[t], h / (QueryHeads / KvHeads));
                for (var c = 0; c < HeadDim; c++)
                {
                    var gate = gated ? 1 / (1 + Math.Exp(-row[h * stride + HeadDim + c])) : 1;
                    Assert.Equal(expected[c] * gate, heads.F32[(t * QueryHeads + h) * HeadDim + c], 2e-5);
                }
            }
            for (var h = 0; h < KvHeads; h++)
            {
                var key = NormRotate(row.Slice(p.QueryWidth + h * HeadDim, HeadDim), p.KeyNorm.AsSpan(), batch.Positions[t], frequencies);
                var stored = Cached(pages.Keys, batch, sequence, batch.Positions[t], h);
                for (var c = 0; c < HeadDim; c++) Assert.Equal(key[c], stored[c], 1e-5);
            }
        }
    }

    private static double[] Attend(double[] query, KvPages pages, Batch batch, int sequence, int position, int head)
    {
        var scores = new double[position + 1];
        for (var i = 0; i <= position; i++)
        {
            var key = Cached(pages.Keys, batch, sequence, i, head);
            for (var c = 0; c < HeadDim; c++) scores[i] += query[c] * key[c] / Math.Sqrt(HeadDim);
        }
        var maximum = scores.Max();
        var sum = scores.Sum(s => Math.Exp(s - maximum));
        var result = new double[HeadDim];
        for (var i = 0; i <= position; i++)
        {
            var value = Cached(pages.Values, batch, sequence, i, head);
            for (var c = 0; c < HeadDim; c++) result[c] += Math.Exp(scores[i] - maximum) / sum * value[c];
        }
        return result;
    }

    private static Span<float> Cached(Qwen3Next.AI.Tensors.Tensor pages, Batch batch, int sequence, int position, int head)
    {
        var block = batch.BlockTable[sequence * batch.BlocksPerSequence + position / BlockSize];
        return new Span<float>(pages.F32 + ((block * KvHeads + head) * BlockSize + position % BlockSize) * HeadDim, HeadDim);
    }

    private static double[] NormRotate(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, int position, float[] frequencies)
    {
        double sum = 0;
        foreach (var value in x) sum += (double)value * value;
        var y = new double[HeadDim];
        for (var c = 0; c < HeadDim; c++) y[c] = x[c] / Math.Sqrt(sum / HeadDim + 1e-6) * weight[c];
        for (var c = 0; c < RotaryDim / 2; c++)
        {
            double a = y[c], b = y[c + RotaryDim / 2], cos = Math.Cos(position * frequencies[c]) * 1.1, sin = Math.Sin(position * frequencies[c]) * 1.1;
            (y[c], y[c + RotaryDim / 2]) = (a * cos - b * sin, b * cos + a * sin);
        }
        return y;
    }
}
