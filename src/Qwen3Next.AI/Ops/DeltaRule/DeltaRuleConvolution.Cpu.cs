using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    private partial struct DeltaRuleWork
    {
        /// <summary>SiLU of the causal convolution of some channels; inputs before the step come from the state.</summary>
        private readonly void Convolve(int slot, int t, int count, int done, int channel, int width, float* output)
        {
            var history = ConvRow(slot, 0) + channel;
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

        /// <summary>Makes the inputs that end with the <paramref name="count"/>-th draft the last ones of the state.</summary>
        private readonly void MoveWindow(int slot, int keyHead, int count)
        {
            for (var part = 0; part < 3; part++)
            {
                var (channel, width) = Channels(keyHead, part);
                // Oldest first, so that reading stays ahead of writing.
                for (var j = 0; j < Taps - 1; j++) Copy(ConvRow(slot, j + count) + channel, ConvRow(slot, j) + channel, width);
            }
        }

        /// <summary>New state: the last inputs of old state and certain rows together, then those of the drafts.</summary>
        private readonly void KeepInputs(int slot, int keyHead, int start, int firstDraft, int end)
        {
            for (var part = 0; part < 3; part++)
            {
                var (channel, width) = Channels(keyHead, part);
                // Oldest first, so that reading stays ahead of writing.
                for (var j = 0; j < Taps - 1 + end - firstDraft; j++)
                {
                    var from = firstDraft - start - (Taps - 1) + j;
                    var source = from >= 0 ? projected + (long)(start + from) * p.ProjectedWidth : ConvRow(slot, from + Taps - 1);
                    Copy(source + channel, ConvRow(slot, j) + channel, width);
                }
            }
        }

        /// <summary>Queries, keys and values of one key head's value heads.</summary>
        private readonly (int First, int Width) Channels(int keyHead, int part) => part switch
        {
            0 => (keyHead * p.KeyDim, p.KeyDim),
            1 => ((p.KeyHeads + keyHead) * p.KeyDim, p.KeyDim),
            _ => (2 * p.KeyHeads * p.KeyDim + keyHead * Ratio * p.ValueDim, Ratio * p.ValueDim),
        };

        private readonly float* ConvRow(int slot, int row) => states.Conv.F32 + ((long)slot * states.Conv.Shape[1] + row) * p.ConvChannels;

        private static void Copy(float* source, float* target, int count) => new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
    }
}
