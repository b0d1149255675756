using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void Logits(Tensor hidden, Batch batch, LinearWeight head, Tensor logits)
    {
        var rows = batch.LogitRows.AsSpan(0, batch.LogitCount);
        var width = hidden.Shape[1];
        var panel = PanelFloats(head);
        var scratch = Scratch(panel + (long)rows.Length * width);
        for (var i = 0; i < rows.Length; i++)
            new ReadOnlySpan<float>(hidden.F32 + (long)rows[i] * width, width).CopyTo(new Span<float>(scratch + panel + (long)i * width, width));
        Multiply([head], scratch + panel, width, rows.Length, logits.F32, head.Out, add: false, scratch);
    }
}
