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
    /// channels of the convolution and its part of the states.
    /// </summary>
    private partial struct DeltaRuleWork(DeltaRuleParameters p, float* projected, DeltaStates states, Batch batch, float* heads, DeltaRuleForm form) : IParallelWork
    {
        private const int ChunkTokens = 64;

        // Below this the chunked form costs more than it saves.
        private const int ChunkedFrom = 12;

        /// <summary>ThreadFloats for every thread.</summary>
        public float* Scratch;

        private readonly int Ratio => p.ValueHeads / p.KeyHeads;

        private readonly int Taps => p.Conv.Shape[0];

        private readonly int StateFloats => p.KeyDim * p.ValueDim;

        public readonly long ThreadFloats => ChunkTokens * (2L * p.KeyDim + 2 * p.ValueDim + 2) + StateFloats + DeltaRuleChunk.ScratchFloats(ChunkTokens, p.ValueDim);

        public readonly void Run(int chunk, int thread)
        {
            int sequence = chunk / p.KeyHeads, keyHead = chunk % p.KeyHeads;
            int start = batch.SequenceStart[sequence], end = batch.SequenceStart[sequence + 1];
            int slot = batch.StateSlots[sequence], firstDraft = end - batch.Drafts[sequence];

            KeepDrafts(slot, keyHead, batch.KeptDrafts[sequence]);
            for (var t = start; t < firstDraft; t += ChunkTokens) Tokens(slot, keyHead, start, t, Math.Min(ChunkTokens, firstDraft - t), drafts: false, thread);
            if (firstDraft < end) Tokens(slot, keyHead, start, firstDraft, end - firstDraft, drafts: true, thread);
            KeepInputs(slot, keyHead, start, firstDraft, end);
        }

        /// <summary>Takes the drafts of the step before that were right into the states.</summary>
        private readonly void KeepDrafts(int slot, int keyHead, int count)
        {
            if (count == 0) return;
            MoveWindow(slot, keyHead, count);
            for (var i = 0; i < count; i++)
                for (var head = keyHead * Ratio; head < (keyHead + 1) * Ratio; head++)
                    DeltaRuleChunk.Keep(State(slot, head), DraftKey(slot, i, keyHead), DraftCorrection(slot, i, head), *DraftDecay(slot, i, head), p.KeyDim, p.ValueDim);
        }

        /// <summary>At most 64 tokens, from the <paramref name="t"/>-th row of the batch on, of a sequence whose rows begin at <paramref name="start"/>.</summary>
        private readonly void Tokens(int slot, int keyHead, int start, int t, int count, bool drafts, int thread)
        {
            // [tokens, dk], then [tokens, dv] for one value head at a time
            var q = Scratch + thread * ThreadFloats;
            var k = q + ChunkTokens * p.KeyDim;
            var v = k + ChunkTokens * p.KeyDim;
            var output = v + ChunkTokens * p.ValueDim;
            var beta = output + ChunkTokens * p.ValueDim;
            var decay = beta + ChunkTokens;
            var ahead = decay + ChunkTokens;
            Convolve(slot, t, count, t - start, keyHead * p.KeyDim, p.KeyDim, q);
            Convolve(slot, t, count, t - start, (p.KeyHeads + keyHead) * p.KeyDim, p.KeyDim, k);
            Normalize(q, count, 1 / MathF.Sqrt(p.KeyDim));
            Normalize(k, count, 1);
            var chunked = !drafts && (form == DeltaRuleForm.Chunked || (form == DeltaRuleForm.Auto && count >= ChunkedFrom));
            var products = new DeltaRuleChunk(q, k, count, p.KeyDim, p.ValueDim, ahead + StateFloats);
            if (chunked) products.Prepare();
            for (var head = keyHead * Ratio; head < (keyHead + 1) * Ratio; head++)
            {
                Convolve(slot, t, count, t - start, 2 * p.KeyHeads * p.KeyDim + head * p.ValueDim, p.ValueDim, v);
                Gates(t, count, head, beta, decay);
                var state = State(slot, head);
                if (drafts) Copy(state, ahead, StateFloats);
                if (chunked) products.Chunked(state, v, beta, decay, output);
                else products.Recurrent(drafts ? ahead : state, v, beta, decay, output);
                if (drafts) StoreDrafts(slot, head, count, k, v, decay);
                GatedNorm(t, count, head, output);
            }
        }

        /// <param name="slot">State slot.</param>
        /// <param name="head">Value head.</param>
        /// <param name="count">Drafts.</param>
        /// <param name="k">[count, dk], the same for all value heads of a key head.</param>
        /// <param name="corrections">[count, dv].</param>
        /// <param name="decay">[count] logarithms.</param>
        private readonly void StoreDrafts(int slot, int head, int count, float* k, float* corrections, float* decay)
        {
            for (var i = 0; i < count; i++)
            {
                Copy(k + i * p.KeyDim, DraftKey(slot, i, head / Ratio), p.KeyDim);
                Copy(corrections + i * p.ValueDim, DraftCorrection(slot, i, head), p.ValueDim);
                *DraftDecay(slot, i, head) = MathF.Exp(decay[i]);
            }
        }

        private readonly float* State(int slot, int head) => states.Recurrent.F32 + ((long)slot * p.ValueHeads + head) * StateFloats;

        private readonly float* DraftKey(int slot, int i, int keyHead) => states.Drafts.Keys.F32 + (DraftRow(slot, i) * p.KeyHeads + keyHead) * p.KeyDim;

        private readonly float* DraftCorrection(int slot, int i, int head) => states.Drafts.Corrections.F32 + (DraftRow(slot, i) * p.ValueHeads + head) * p.ValueDim;

        private readonly float* DraftDecay(int slot, int i, int head) => states.Drafts.Decays.F32 + DraftRow(slot, i) * p.ValueHeads + head;

        private readonly long DraftRow(int slot, int i) => (long)slot * states.Drafts.Keys.Shape[1] + i;

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
