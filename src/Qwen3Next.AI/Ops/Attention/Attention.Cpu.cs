using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void RotaryAngles(Batch batch, Tensor frequencies, float scale, Tensor cosSin)
    {
        var output = cosSin.F32;
        var count = frequencies.Shape[0];
        foreach (var position in batch.Positions.AsSpan(0, batch.TokenCount))
        {
            for (var c = 0; c < count; c++)
            {
                var (sin, cos) = MathF.SinCos(position * frequencies.F32[c]);
                output[c] = cos * scale;
                output[count + c] = sin * scale;
            }
            output += 2 * count;
        }
    }

    public void GatedAttention(in AttentionParameters p, Tensor projected, Tensor cosSin, KvPages pages, Batch batch, Tensor heads)
    {
        var prepare = new PrepareHeads(p, projected.F32, cosSin.F32, pages, batch);
        _threads.For(ref prepare, prepare.Chunks);

        var attend = new AttendSpans(p, projected.F32, pages, batch);
        attend.Partials = Scratch(attend.PartialFloats);
        _threads.For(ref attend, attend.Chunks);

        var finish = new FinishHeads(attend, heads.F32);
        _threads.For(ref finish, batch.TokenCount);
    }

    /// <summary>Norms and rotates queries in place, keys into the pages; copies values into the pages.</summary>
    private readonly struct PrepareHeads(AttentionParameters p, float* projected, float* cosSin, KvPages pages, Batch batch) : IParallelWork
    {
        private const int Rows = 4;

        public int Chunks => (batch.TokenCount + Rows - 1) / Rows;

        public void Run(int chunk, int thread)
        {
            var sequence = 0;
            for (var t = chunk * Rows; t < Math.Min(batch.TokenCount, (chunk + 1) * Rows); t++)
            {
                while (batch.SequenceStart[sequence + 1] <= t) sequence++;
                Row(t, sequence);
            }
        }

        private void Row(int t, int sequence)
        {
            var row = projected + (long)t * p.ProjectedWidth;
            var angles = cosSin + (long)t * p.RotaryDim;
            var queryStride = p.QueryWidth / p.QueryHeads;
            for (var h = 0; h < p.QueryHeads; h++) NormRotate(row + h * queryStride, p.QueryNorm.F32, angles, row + h * queryStride);

            var keys = row + p.QueryWidth;
            var values = keys + p.KvHeads * p.HeadDim;
            for (var h = 0; h < p.KvHeads; h++)
            {
                var offset = PageOffset(p, pages, batch, sequence, batch.Positions[t], h);
                NormRotate(keys + h * p.HeadDim, p.KeyNorm.F32, angles, pages.Keys.F32 + offset);
                Buffer.MemoryCopy(values + h * p.HeadDim, pages.Values.F32 + offset, p.HeadDim * sizeof(float), p.HeadDim * sizeof(float));
            }
        }

        private void NormRotate(float* x, float* weight, float* angles, float* y)
        {
            NormRow(x, weight, p.Epsilon, y, p.HeadDim);
            var half = p.RotaryDim / 2;
            for (var c = 0; c < half; c++)
            {
                float a = y[c], b = y[half + c], cos = angles[c], sin = angles[half + c];
                y[c] = a * cos - b * sin;
                y[half + c] = b * cos + a * sin;
            }
        }
    }

    /// <summary>Where head <paramref name="h"/> of a position lies in the pages, in floats.</summary>
    private static long PageOffset(in AttentionParameters p, KvPages pages, Batch batch, int sequence, int position, int h)
    {
        var block = batch.BlockTable[sequence * batch.BlocksPerSequence + position / pages.BlockSize];
        return (((long)block * p.KvHeads + h) * pages.BlockSize + position % pages.BlockSize) * p.HeadDim;
    }
}
