using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y) =>
        Multiply(parts, x.F32, x.Shape[1], x.Shape[0], y.F32, y.Shape[1], add: false, Scratch(PanelFloats(parts[0])));

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        int tokens = x.Shape[0], width = x.Shape[1];
        var panel = PanelFloats(parts[0]);
        var scratch = Scratch(panel + (long)tokens * width);
        var normed = new Tensor((nint)(scratch + panel), DType.F32, x.Shape);
        Norm(x, norm, epsilon, normed);
        Multiply(parts, normed.F32, width, tokens, y.F32, y.Shape[1], add: false, scratch);
    }

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) =>
        Multiply([w], y.F32, y.Shape[1], y.Shape[0], x.F32, x.Shape[1], add: true, Scratch(PanelFloats(w)));

    /// <summary>Panels and sums of all threads, in floats.</summary>
    private long PanelFloats(in LinearWeight w) => _threads.Count * (long)MatrixWork.ThreadFloats(w.In);

    private void Multiply(ReadOnlySpan<LinearWeight> parts, float* x, int xStride, int tokens, float* y, int yStride, bool add, float* panels)
    {
        fixed (LinearWeight* first = parts)
        {
            var work = new MatrixWork(first, parts.Length, x, xStride, tokens, y, yStride, add, panels);
            _threads.For(ref work, work.Chunks);
        }
    }

    /// <summary>
    /// Rows of some matrices whose outputs lie side by side, cut so that a chunk is some tens of kilobytes of weights and small products stay on
    /// one thread.
    /// </summary>
    private readonly struct MatrixWork : IParallelWork
    {
        private const int ChunkBytes = 64 * 1024;
        private const int SumTokens = 32;
        private const int MaxRows = 128;

        private readonly LinearWeight* _parts;
        private readonly float* _x, _y, _panels;
        private readonly int _count, _xStride, _tokens, _yStride;
        private readonly bool _add;

        public MatrixWork(LinearWeight* parts, int count, float* x, int xStride, int tokens, float* y, int yStride, bool add, float* panels)
        {
            _parts = parts;
            _x = x;
            _y = y;
            _panels = panels;
            (_count, _xStride, _tokens, _yStride, _add) = (count, xStride, tokens, yStride, add);
            for (var i = 0; i < count; i++) Chunks += ChunksOf(parts[i]);
        }

        public int Chunks { get; }

        public static int ThreadFloats(int width) => MatrixKernel.PanelFloats(width) + SumTokens * MaxRows;

        public void Run(int chunk, int thread)
        {
            var part = _parts;
            var column = 0;
            for (; chunk >= ChunksOf(*part); part++)
            {
                chunk -= ChunksOf(*part);
                column += part->Out;
            }
            var first = chunk * RowsOf(*part);
            Rows(*part, first, Math.Min(part->Out, first + RowsOf(*part)), _y + column + first, _panels + (long)thread * ThreadFloats(part->In));
        }

        private int ChunksOf(in LinearWeight w) => (w.Out + RowsOf(w) - 1) / RowsOf(w);

        private int RowsOf(in LinearWeight w)
        {
            var rowCost = (long)w.In * w.Weight.Type.Size() * Math.Max(1, _tokens / 4);
            var rows = (int)Math.Clamp(ChunkBytes / rowCost, MatrixKernel.TileRows, MaxRows);
            return rows / MatrixKernel.TileRows * MatrixKernel.TileRows;
        }

        private void Rows(in LinearWeight w, int first, int end, float* y, float* panel)
        {
            if (!_add)
            {
                MatrixKernel.Multiply(w, first, end, _x, _xStride, null, _tokens, y, _yStride, panel);
                return;
            }
            var sums = panel + MatrixKernel.PanelFloats(w.In);
            for (var start = 0; start < _tokens; start += SumTokens)
            {
                var count = Math.Min(SumTokens, _tokens - start);
                MatrixKernel.Multiply(w, first, end, _x + (long)start * _xStride, _xStride, null, count, sums, MaxRows, panel);
                for (var t = 0; t < count; t++)
                {
                    var target = new Span<float>(y + (long)(start + t) * _yStride, end - first);
                    TensorPrimitives.Add(target, new ReadOnlySpan<float>(sums + t * MaxRows, end - first), target);
                }
            }
        }
    }
}
