using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    private readonly ExpertPlan _plan = new();

    public void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
    {
        int tokens = x.Shape[0], width = x.Shape[1], experts = p.Experts.Length;
        int expertWidth = experts > 0 ? p.Experts[0].Gate.Out : 0, sharedWidth = p.Shared?.Gate.Out ?? 0;
        var hiddenWidth = Math.Max(expertWidth, sharedWidth);
        var assignments = (long)tokens * (p.ActiveExperts + (p.Shared is null ? 0 : 1));
        // The router's product uses them too.
        var panels = _threads.Count * (long)Math.Max(ExpertWork.ThreadFloats(Math.Max(width, hiddenWidth)), MatrixWork.ThreadFloats(width));
        var scratch = Scratch(panels + (long)tokens * width + (long)tokens * (experts + 1) + assignments * hiddenWidth);

        var normed = new Tensor((nint)(scratch + panels), DType.F32, x.Shape);
        var logits = normed.F32 + (long)tokens * width;
        var gates = logits + (long)tokens * experts;
        var hidden = gates + tokens;
        Norm(x, norm, epsilon, normed);
        if (p.Router is { } router) Multiply([router], normed.F32, width, tokens, logits, experts, add: false, scratch);
        SharedGates(p, normed, gates);
        _plan.Build(logits, p.Shared is null ? null : gates, tokens, experts, p.ActiveExperts, p.NormalizeWeights);

        fixed (int* index = _plan.Tokens)
        {
            var work = new ExpertWork(p, _plan, index, normed.F32, width, hidden, hiddenWidth, x.F32, scratch);
            _threads.For(ref work, work.UpChunks);
            work.Down = true;
            _threads.For(ref work, work.DownChunks);
        }
    }

    private static void SharedGates(FeedForwardParameters p, Tensor u, float* gates)
    {
        int tokens = u.Shape[0], width = u.Shape[1];
        for (var t = 0; t < tokens; t++)
        {
            gates[t] = 1;
            if (p.SharedGate is not { } gate) continue;
            float logit;
            MatrixKernel.Multiply(gate, 0, 1, u.F32 + (long)t * width, width, null, 1, &logit, 1, null);
            gates[t] = 1 / (1 + MathF.Exp(-logit));
        }
    }

    /// <summary>
    /// Up: hidden[a] = silu(gate u) * (up u) for every assignment a, by rows of each network. Down: x += weight * (down hidden[a]), by rows of
    /// the output over all networks in order, so that every output element is summed by one thread in one order.
    /// </summary>
    private struct ExpertWork(FeedForwardParameters p, ExpertPlan plan, int* index, float* u, int width, float* hidden, int hiddenWidth,
        float* x, float* scratch) : IParallelWork
    {
        private const int ChunkRows = 64;
        private const int ChunkTokens = 48;

        public bool Down;

        private readonly int RowChunks => (hiddenWidth + ChunkRows - 1) / ChunkRows;

        public readonly int UpChunks => plan.ActiveCount * RowChunks;

        public readonly int DownChunks => (width + DownRows - 1) / DownRows;

        // At least eight chunks, so that narrow models use all threads too.
        private readonly int DownRows => Math.Clamp(width / 64 * 8, 8, ChunkRows);

        public static int ThreadFloats(int width) => MatrixKernel.PanelFloats(width) + ChunkTokens * ChunkRows;

        public readonly void Run(int chunk, int thread)
        {
            var panel = scratch + (long)thread * ThreadFloats(Math.Max(width, hiddenWidth));
            var outputs = panel + MatrixKernel.PanelFloats(Math.Max(width, hiddenWidth));
            if (Down)
            {
                for (var i = 0; i < plan.ActiveCount; i++) DownRange(plan.Active[i], chunk * DownRows, Math.Min(width, (chunk + 1) * DownRows), panel, outputs);
                return;
            }
            var network = plan.Active[chunk / RowChunks];
            var first = chunk % RowChunks * ChunkRows;
            UpRange(network, first, Math.Min(Network(network).Gate.Out, first + ChunkRows), panel, outputs);
        }

        private readonly SwiGlu Network(int number) => number < p.Experts.Length ? p.Experts[number] : p.Shared!.Value;

        private readonly void UpRange(int number, int first, int end, float* panel, float* up)
        {
            if (first >= end) return;
            var network = Network(number);
            for (var a = plan.First[number]; a < plan.First[number + 1]; a += ChunkTokens)
            {
                var count = Math.Min(ChunkTokens, plan.First[number + 1] - a);
                var gate = hidden + (long)a * hiddenWidth + first;
                MatrixKernel.Multiply(network.Gate, first, end, u, width, index + a, count, gate, hiddenWidth, panel);
                MatrixKernel.Multiply(network.Up, first, end, u, width, index + a, count, up, ChunkRows, panel);
                for (var i = 0; i < count; i++)
                    Activation.SiluMultiply(gate + (long)i * hiddenWidth, up + i * ChunkRows, gate + (long)i * hiddenWidth, end - first);
            }
        }

        private readonly void DownRange(int number, int first, int end, float* panel, float* outputs)
        {
            var network = Network(number);
            for (var a = plan.First[number]; a < plan.First[number + 1]; a += ChunkTokens)
            {
                var count = Math.Min(ChunkTokens, plan.First[number + 1] - a);
                MatrixKernel.Multiply(network.Down, first, end, hidden + (long)a * hiddenWidth, hiddenWidth, null, count, outputs, ChunkRows, panel);
                for (var i = 0; i < count; i++)
                {
                    var weight = plan.Weights[a + i];
                    var target = x + (long)plan.Tokens[a + i] * width;
                    for (var r = first; r < end; r++) target[r] += weight * outputs[i * ChunkRows + r - first];
                }
            }
        }
    }
}
