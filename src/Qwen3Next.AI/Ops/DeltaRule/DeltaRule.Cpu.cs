using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void DeltaRule(in DeltaRuleParameters p, Tensor projected, DeltaStates states, Batch batch, Tensor heads, DeltaRuleForm form = DeltaRuleForm.Auto)
    {
        var work = new DeltaRuleWork(p, projected.F32, states, batch, heads.F32, form);
        work.Scratch = Scratch(_threads.Count * work.ThreadFloats);
        _threads.For(ref work, batch.SequenceCount * p.KeyHeads);
    }

    /// <summary>
    /// One key head with its value heads of one sequence, 64 tokens at a time. Nothing is shared between chunks of work: each owns its
    /// channels of the convolution and its part of the state.
    /// </summary>
    private struct DeltaRuleWork(DeltaRuleParameters p, float* projected, DeltaStates states, Batch batch, float* heads, DeltaRuleForm form) : IParallelWork
    {
        private const int ChunkTokens = 64;

        // Below this the chunked form costs more than it saves.
        private const int ChunkedFrom = 12;

        /// <summary>ThreadFloats for every thread.</summary>
        public float* Scratch;

        private readonly int Ratio => p.ValueHeads / p.KeyHeads;

        private readonly int Taps => p.Conv.Shape[0];

        public readonly long ThreadFloats => ChunkTokens * (2L * p.KeyDim + (long)Ratio * p.ValueDim + 2 * Ratio + p.ValueDim) + DeltaRuleChunk.ScratchFloats(ChunkTokens, p.ValueDim);

        public readonly void Run(int chunk, int thread)
        {
            int sequence = chunk / p.KeyHeads, keyHead = chunk % p.KeyHeads;
            int start = batch.SequenceStart[sequence], end = batch.SequenceStart[sequence + 1];
            var slot = batch.StateSlots[sequence];

            // [tokens, dk] and [Hv / Hk][tokens, dv]
            var q = Scratch + thread * ThreadFloats;
            var k = q + ChunkTokens * p.KeyDim;
            var v = k + ChunkTokens * p.KeyDim;
            var beta = v + ChunkTokens * Ratio * p.ValueDim;
            var decay = beta + ChunkTokens * Ratio;
            var output = decay + ChunkTokens * Ratio;
            var scratch = output + ChunkTokens * p.ValueDim;
            for (var t = start; t < end; t += ChunkTokens)
            {
                var count = Math.Min(ChunkTokens, end - t);
                Convolve(slot, t, count, t - start, keyHead * p.KeyDim, p.KeyDim, q);
                Convolve(slot, t, count, t - start, (p.KeyHeads + keyHead) * p.KeyDim, p.KeyDim, k);
                Normalize(q, count, 1 / MathF.Sqrt(p.KeyDim));
                Normalize(k, count, 1);
                var chunked = form == DeltaRuleForm.Chunked || (form == DeltaRuleForm.Auto && count >= ChunkedFrom);
                var products = new DeltaRuleChunk(q, k, count, p.KeyDim, p.ValueDim, scratch);
                if (chunked) products.Prepare();
                for (var r = 0; r < Ratio; r++)
                {
                    var head = keyHead * Ratio + r;
                    var values = v + r * ChunkTokens * p.ValueDim;
                    Convolve(slot, t, count, t - start, 2 * p.KeyHeads * p.KeyDim + head * p.ValueDim, p.ValueDim, values);
                    Gates(t, count, head, beta + r * ChunkTokens, decay + r * ChunkTokens);
                    var state = states.Recurrent.F32 + ((long)slot * p.ValueHeads + head) * p.KeyDim * p.ValueDim;
                    if (chunked) products.Chunked(state, values, beta + r * ChunkTokens, decay + r * ChunkTokens, output);
                    else products.Recurrent(state, values, beta + r * ChunkTokens, decay + r * ChunkTokens, output);
                    GatedNorm(t, count, head, output);
                }
            }
            KeepInputs(slot, start, end, keyHead * p.KeyDim, p.KeyDim);
            KeepInputs(slot, start, end, (p.KeyHeads + keyHead) * p.KeyDim, p.KeyDim);
            KeepInputs(slot, start, end, 2 * p.KeyHeads * p.KeyDim + keyHead * Ratio * p.ValueDim, Ratio * p.ValueDim);
        }

        /// <summary>SiLU of the causal convolution of some channels; inputs before the step come from the state.</summary>
        private readonly void Convolve(int slot, int t, int count, int done, int channel, int width, float* output)
        {
            var history = states.Conv.F32 + (long)slot * (Taps - 1) * p.ConvChannels + channel;
            var inputs = projected + (long)t * p.ProjectedWidth + channel;
            for (var i = 0; i < count; i++)
            {
                for (var c = 0; c < width; c += 8)
                {
                    Vector256<float> sum = default;
                    for (var j = 0; j < Taps; j++)
                    {
                        var back = i + j - (Taps - 1);
                        var x = done + back >= 0 ? inputs + (long)back * p.ProjectedWidth : history + (long)(done + back + Taps - 1) * p.ConvChannels;
                        sum = Vector256.FusedMultiplyAdd(Vector256.Load(p.Conv.F32 + (long)j * p.ConvChannels + channel + c), Vector256.Load(x + c), sum);
                    }
                    (sum * Activation.Sigmoid(sum)).Store(output + (long)i * width + c);
                }
            }
        }

        /// <summary>New state: the last inputs of old state and step together, oldest first, so that reading stays ahead of writing.</summary>
        private readonly void KeepInputs(int slot, int start, int end, int channel, int width)
        {
            var history = states.Conv.F32 + (long)slot * (Taps - 1) * p.ConvChannels + channel;
            var tokens = end - start;
            for (var j = 0; j < Taps - 1; j++)
            {
                var from = tokens - (Taps - 1) + j;
                var source = from >= 0 ? projected + (long)(start + from) * p.ProjectedWidth + channel : history + (long)(from + Taps - 1) * p.ConvChannels;
                new ReadOnlySpan<float>(source, width).CopyTo(new Span<float>(history + (long)j * p.ConvChannels, width));
            }
        }

        private readonly void Normalize(float* x, int count, float factor)
        {
            for (var i = 0; i < count; i++, x += p.KeyDim)
            {
                var scale = factor / MathF.Sqrt(SmallMatrix.Dot(x, x, p.KeyDim) + 1e-6f);
                SmallMatrix.Scale(x, scale, p.KeyDim);
            }
        }

        private readonly void Gates(int t, int count, int head, float* beta, float* decay)
        {
            for (var i = 0; i < count; i++)
            {
                var b = projected + (long)(t + i) * p.ProjectedWidth + p.ConvChannels + p.ValueHeads * p.ValueDim + head;
                var a = b[p.ValueHeads] + p.DtBias.F32[head];
                beta[i] = 1 / (1 + MathF.Exp(-*b));
                decay[i] = p.NegExpA.F32[head] * (a > 20 ? a : Log1p(MathF.Exp(a)));
            }
        }

        // log(1 + x) without losing small x: the rounding of 1 + x cancels in the quotient.
        private static float Log1p(float x)
        {
            var sum = 1 + x;
            return sum == 1 ? x : MathF.Log(sum) * (x / (sum - 1));
        }

        private readonly void GatedNorm(int t, int count, int head, float* output)
        {
            for (var i = 0; i < count; i++)
            {
                var o = output + (long)i * p.ValueDim;
                var z = projected + (long)(t + i) * p.ProjectedWidth + p.ConvChannels + head * p.ValueDim;
                var y = heads + ((long)(t + i) * p.ValueHeads + head) * p.ValueDim;
                NormRow(o, p.Norm.F32, p.Epsilon, y, p.ValueDim);
                Activation.SiluMultiply(z, y, y, p.ValueDim);
            }
        }
    }
}
