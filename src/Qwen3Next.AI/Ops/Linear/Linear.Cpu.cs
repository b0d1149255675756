using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Shared;
using Qwen3Next.AI.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void Project(Tensor x, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        var column = 0;
        foreach (var part in parts)
        {
            Multiply(part, x.F32, x.Shape[1], x.Shape[0], y.F32 + column, y.Shape[1], add: false, Scratch(PanelFloats(part)));
            column += part.Out;
        }
    }

    public void NormProject(Tensor x, Tensor norm, float epsilon, ReadOnlySpan<LinearWeight> parts, Tensor y)
    {
        int tokens = x.Shape[0], width = x.Shape[1];
        var panel = PanelFloats(parts[0]);
        var scratch = Scratch(panel + (long)tokens * width);
        var normed = new Tensor((nint)(scratch + panel), DType.F32, x.Shape);
        Norm(x, norm, epsilon, normed);
        var column = 0;
        foreach (var part in parts)
        {
            Multiply(part, normed.F32, width, tokens, y.F32 + column, y.Shape[1], add: false, scratch);
            column += part.Out;
        }
    }

    public void ProjectAdd(Tensor y, LinearWeight w, Tensor x) =>
        Multiply(w, y.F32, y.Shape[1], y.Shape[0], x.F32, x.Shape[1], add: true, Scratch(PanelFloats(w)));

    /// <summary>Panels and sums of all threads, in floats.</summary>
    private long PanelFloats(in LinearWeight w) => _threads.Count * (long)MatrixWork.ThreadFloats(w.In);

    private void Multiply(in LinearWeight w, float* x, int xStride, int tokens, float* y, int yStride, bool add, float* panels)
    {
        var work = new MatrixWork(w, x, xStride, tokens, y, yStride, add, panels);
        _threads.For(ref work, work.Chunks);
    }

    /// <summary>Rows of one matrix, cut so that a chunk is some tens of kilobytes of weights and small products stay on one thread.</summary>
    private readonly struct MatrixWork : IParallelWork
    {
        private const int ChunkBytes = 64 * 1024;
        private const int SumTokens = 32;
        private const int MaxRows = 128;

        private readonly LinearWeight _w;
        private readonly float* _x, _y, _panels;
        private readonly int _xStride, _tokens, _yStride, _rows;
        private readonly bool _add;

        public MatrixWork(LinearWeight w, float* x, int xStride, int tokens, float* y, int yStride, bool add, float* panels)
        {
            _x = x;
            _y = y;
            _panels = panels;
            (_w, _xStride, _tokens, _yStride, _add) = (w, xStride, tokens, yStride, add);
            _rows = ChunkRows(w, tokens);
        }

        public int Chunks => (_w.Out + _rows - 1) / _rows;

        public static int ThreadFloats(int width) => MatrixKernel.PanelFloats(width) + SumTokens * MaxRows;

        private static int ChunkRows(in LinearWeight w, int tokens)
        {
            var rowCost = (long)w.In * w.Weight.Type.Size() * Math.Max(1, tokens / 4);
            var rows = (int)Math.Clamp(ChunkBytes / rowCost, MatrixKernel.TileRows, MaxRows);
            return rows / MatrixKernel.TileRows * MatrixKernel.TileRows;
        }

        public void Run(int chunk, int thread)
        {
            var panel = _panels + (long)thread * ThreadFloats(_w.In);
            int first = chunk * _rows, end = Math.Min(_w.Out, first + _rows);
            if (!_add)
            {
                MatrixKernel.Multiply(_w, first, end, _x, _xStride, null, _tokens, _y + first, _yStride, panel);
                return;
            }
            var sums = panel + MatrixKernel.PanelFloats(_w.In);
            for (var start = 0; start < _tokens; start += SumTokens)
            {
                var count = Math.Min(SumTokens, _tokens - start);
                MatrixKernel.Multiply(_w, first, end, _x + (long)start * _xStride, _xStride, null, count, sums, MaxRows, panel);
                for (var t = 0; t < count; t++)
                {
                    var target = new Span<float>(_y + (long)(start + t) * _yStride + first, end - first);
                    TensorPrimitives.Add(target, new ReadOnlySpan<float>(sums + t * MaxRows, end - first), target);
                }
            }
        }
    }
}
