using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    /// <summary>
    /// Softmax attention with a running maximum (online softmax), in spans of 512 positions that are joined in order. Few rows: spans run in
    /// parallel, each into a slot of its own. Many rows: one thread goes through the spans of its rows with two slots. The arithmetic is the
    /// same, so a token's result does not depend on its batch. A slot holds per row and query head the weighted values [Dh], then maximum and
    /// sum of the weights.
    /// </summary>
    private struct AttendSpans : IParallelWork
    {
        private const int Span = 512;
        private const int Rows = 8;
        private const int ParallelRows = 32;

        private readonly AttentionParameters _p;
        private readonly float* _projected;
        private readonly KvPages _pages;
        private readonly Batch _batch;
        private readonly int _tiles, _spans, _slots;
        private readonly bool _parallel;

        public AttendSpans(AttentionParameters p, float* projected, KvPages pages, Batch batch)
        {
            _p = p;
            _projected = projected;
            _pages = pages;
            _batch = batch;
            for (var n = 0; n < batch.SequenceCount; n++)
            {
                _tiles += (batch.SequenceStart[n + 1] - batch.SequenceStart[n] + Rows - 1) / Rows;
                _spans = Math.Max(_spans, SpanCount(batch.SequenceStart[n + 1] - 1));
            }
            _parallel = batch.TokenCount <= ParallelRows;
            _slots = _parallel ? _spans : 2;
        }

        /// <summary>[T, slots, Hq, Dh + 8] F32.</summary>
        public float* Partials;

        public readonly AttentionParameters Parameters => _p;

        public readonly long PartialFloats => (long)_batch.TokenCount * _slots * _p.QueryHeads * SlotFloats;

        public readonly int Chunks => _tiles * _p.KvHeads * (_parallel ? _spans : 1);

        private readonly int SlotFloats => _p.HeadDim + 8;

        /// <summary>Slots to join for a row.</summary>
        public readonly int UsedSlots(int t) => _parallel ? SpanCount(t) : 1;

        public readonly float* Slot(int t, int slot, int head) => Partials + (((long)t * _slots + slot) * _p.QueryHeads + head) * SlotFloats;

        public readonly float* Gate(int t, int head) => _projected + (long)t * _p.ProjectedWidth + head * (_p.QueryWidth / _p.QueryHeads) + _p.HeadDim;

        public readonly void Run(int chunk, int thread)
        {
            var parts = _parallel ? _spans : 1;
            var kvHead = chunk / parts % _p.KvHeads;
            FindTile(chunk / parts / _p.KvHeads, out var sequence, out var first, out var end);
            if (_parallel)
            {
                Attend(chunk % parts, chunk % parts, sequence, first, end, kvHead);
                return;
            }
            ClearSlots(0, first, end, kvHead);
            for (var span = 0; span < SpanCount(end - 1); span++)
            {
                Attend(span, 1, sequence, first, end, kvHead);
                for (var t = first; t < end; t++)
                    for (var g = 0; g < Group; g++) Join(Slot(t, 0, kvHead * Group + g), Slot(t, 1, kvHead * Group + g), _p.HeadDim);
            }
        }

        /// <summary>Adds the weights and values of one slot to another.</summary>
        public static void Join(float* total, float* slot, int width)
        {
            var maximum = MathF.Max(total[width], slot[width]);
            if (float.IsNegativeInfinity(maximum)) return;
            float a = MathF.Exp(total[width] - maximum), b = MathF.Exp(slot[width] - maximum);
            for (var c = 0; c < width; c += 8) (Vector256.Load(total + c) * a + Vector256.Load(slot + c) * b).Store(total + c);
            total[width] = maximum;
            total[width + 1] = total[width + 1] * a + slot[width + 1] * b;
        }

        public static void Clear(float* slot, int width)
        {
            new Span<float>(slot, width + 2).Clear();
            slot[width] = float.NegativeInfinity;
        }

        private readonly int Group => _p.QueryHeads / _p.KvHeads;

        private readonly int SpanCount(int t) => _batch.Positions[t] / Span + 1;

        private readonly void FindTile(int tile, out int sequence, out int first, out int end)
        {
            for (sequence = 0; ; sequence++)
            {
                int start = _batch.SequenceStart[sequence], stop = _batch.SequenceStart[sequence + 1];
                var tiles = (stop - start + Rows - 1) / Rows;
                if (tile < tiles)
                {
                    first = start + tile * Rows;
                    end = Math.Min(stop, first + Rows);
                    return;
                }
                tile -= tiles;
            }
        }

        private readonly void ClearSlots(int slot, int first, int end, int kvHead)
        {
            for (var t = first; t < end; t++)
                for (var g = 0; g < Group; g++) Clear(Slot(t, slot, kvHead * Group + g), _p.HeadDim);
        }

        /// <summary>
        /// Rows of one tile against the positions of one span, page by page: all scores of the rows and of the heads that share the page's keys are
        /// one matrix product, and so are their weighted values.
        /// </summary>
        private readonly void Attend(int span, int slot, int sequence, int first, int end, int kvHead)
        {
            ClearSlots(slot, first, end, kvHead);
            var queries = stackalloc int[(end - first) * Group];
            var stride = _p.QueryWidth / _p.QueryHeads;
            for (var t = first; t < end; t++)
                for (var g = 0; g < Group; g++) queries[(t - first) * Group + g] = t * (_p.ProjectedWidth / stride) + kvHead * Group + g;

            var size = _pages.BlockSize;
            var scores = stackalloc float[(end - first) * Group * size];
            var last = Math.Min(_batch.Positions[end - 1], span * Span + Span - 1);
            for (var position = span * Span; position <= last; position += size)
            {
                var offset = PageOffset(_p, _pages, _batch, sequence, position, kvHead);
                var count = Math.Min(size, _batch.Positions[end - 1] + 1 - position);
                var keys = new LinearWeight(new Tensor((nint)(_pages.Keys.F32 + offset), DType.F32, new Shape(count, _p.HeadDim)), default);
                MatrixKernel.Multiply(keys, 0, count, _projected, stride, queries, (end - first) * Group, scores, size, null);
                for (var t = first; t < end; t++)
                {
                    var visible = Math.Clamp(_batch.Positions[t] + 1 - position, 0, count);
                    if (visible == 0) continue;
                    var rows = scores + (t - first) * Group * size;
                    for (var g = 0; g < Group; g++) Weigh(rows + g * size, visible, Slot(t, slot, kvHead * Group + g));
                    SmallMatrix.MultiplyAdd(rows, size, 1, _pages.Values.F32 + offset, Slot(t, slot, kvHead * Group), SlotFloats, Group, _p.HeadDim, visible);
                }
            }
        }

        /// <summary>Turns the scores of one page into weights against the slot's maximum, which may rise.</summary>
        private readonly void Weigh(float* scores, int visible, float* slot)
        {
            var size = _pages.BlockSize;
            var scale = Vector256.Create(1 / MathF.Sqrt(_p.HeadDim));
            for (var i = visible; i < size; i++) scores[i] = float.NegativeInfinity;
            var best = Vector256.Create(slot[_p.HeadDim]);
            for (var i = 0; i < size; i += 8)
            {
                var scaled = Vector256.Load(scores + i) * scale;
                scaled.Store(scores + i);
                best = Vector256.Max(best, scaled);
            }
            var maximum = best[0];
            for (var i = 1; i < 8; i++) maximum = MathF.Max(maximum, best[i]);

            var shrink = MathF.Exp(slot[_p.HeadDim] - maximum);
            Vector256<float> sum = default;
            for (var i = 0; i < size; i += 8)
            {
                var weights = Vector256.Exp(Vector256.Load(scores + i) - Vector256.Create(maximum));
                weights.Store(scores + i);
                sum += weights;
            }
            if (shrink != 1) SmallMatrix.Scale(slot, shrink, _p.HeadDim);
            slot[_p.HeadDim] = maximum;
            slot[_p.HeadDim + 1] = slot[_p.HeadDim + 1] * shrink + Vector256.Sum(sum);
        }
    }

    /// <summary>Joins the slots of each row and head, divides by the sum of weights and applies the output gate.</summary>
    private readonly struct FinishHeads(AttendSpans attended, float* heads) : IParallelWork
    {
        public void Run(int chunk, int thread)
        {
            var p = attended.Parameters;
            for (var h = 0; h < p.QueryHeads; h++)
            {
                var total = attended.Slot(chunk, 0, h);
                for (var slot = 1; slot < attended.UsedSlots(chunk); slot++) AttendSpans.Join(total, attended.Slot(chunk, slot, h), p.HeadDim);
                var scale = 1 / total[p.HeadDim + 1];
                var gate = attended.Gate(chunk, h);
                var output = heads + ((long)chunk * p.QueryHeads + h) * p.HeadDim;
                for (var c = 0; c < p.HeadDim; c += 8)
                {
                    var value = Vector256.Load(total + c) * scale;
                    if (p.Gated) value *= Activation.Sigmoid(Vector256.Load(gate + c));
                    value.Store(output + c);
                }
            }
        }
    }
}
