using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>
/// y[t, n] = sum over k of W[n, k] x[t, k], for a range of rows n on one thread. Every dot product runs over k in the same order with
/// one accumulator, whatever the number of tokens and threads: a token's result does not depend on what it is batched with.
/// K must be a multiple of 8; FP8 is widened and scaled before the product.
/// </summary>
internal static unsafe class MatrixKernel
{
    /// <summary>Rows of W per tile.</summary>
    public const int TileRows = 4;

    private const int TileTokens = 3;
    private const int ScaleBlock = 128;

    // From this many tokens on, widening a panel of W once is cheaper than widening it for every tile.
    private const int PanelTokens = 2 * TileTokens;

    // Activations of one pass over W should stay in the second-level cache.
    private const int PassFloats = 48 * 1024;

    /// <summary>Floats of panel memory that <see cref="Multiply"/> needs for rows of <paramref name="width"/> inputs.</summary>
    public static int PanelFloats(int width) => TileRows * width;

    /// <param name="w">Weights [N, K].</param>
    /// <param name="firstRow">First row of W.</param>
    /// <param name="endRow">Row after the last.</param>
    /// <param name="x">Inputs, row t at x + index[t] * xStride, or x + t * xStride where index is null.</param>
    /// <param name="y">Output (t, firstRow) at y + t * yStride.</param>
    /// <param name="panel">Scratch of <see cref="PanelFloats"/>.</param>
    public static void Multiply(in LinearWeight w, int firstRow, int endRow, float* x, int xStride, int* index, int tokens, float* y, int yStride, float* panel)
    {
        switch (w.Weight.Type)
        {
            case DType.F32: Run<F32Format>(w, firstRow, endRow, x, xStride, index, tokens, y, yStride, panel); break;
            case DType.BF16: Run<BF16Format>(w, firstRow, endRow, x, xStride, index, tokens, y, yStride, panel); break;
            case DType.F16: Run<F16Format>(w, firstRow, endRow, x, xStride, index, tokens, y, yStride, panel); break;
            case DType.F8E4M3: Run<F8Format>(w, firstRow, endRow, x, xStride, index, tokens, y, yStride, panel); break;
            default: throw new NotSupportedException($"weights of type {w.Weight.Type}");
        }
    }

    private static void Run<TFormat>(in LinearWeight w, int firstRow, int endRow, float* x, int xStride, int* index, int tokens, float* y, int yStride, float* panel)
        where TFormat : IWeightFormat
    {
        var width = w.In;
        var pass = Math.Max(TileTokens * 4, PassFloats / width / TileTokens * TileTokens);
        for (var start = 0; start < tokens; start += pass)
        {
            var count = Math.Min(pass, tokens - start);
            for (var row = firstRow; row < endRow; row += TileRows)
            {
                var rows = new Rows<TFormat>(w, row, Math.Min(TileRows, endRow - row));
                var output = y + (long)start * yStride + (row - firstRow);
                if (typeof(TFormat) != typeof(F32Format) && count >= PanelTokens)
                {
                    for (var r = 0; r < rows.Count; r++) Widen(rows, r, panel + r * width);
                    Multiply(new Rows<F32Format>(panel, width, rows.Count), x, xStride, index, start, count, output, yStride);
                }
                else
                {
                    Multiply(rows, x, xStride, index, start, count, output, yStride);
                }
            }
        }
    }

    private static void Multiply<TFormat>(in Rows<TFormat> rows, float* x, int xStride, int* index, int start, int count, float* y, int yStride)
        where TFormat : IWeightFormat
    {
        var t = 0;
        if (rows.Count == TileRows)
        {
            for (; t + TileTokens <= count; t += TileTokens)
            {
                Tile4x3(rows, Input(x, xStride, index, start + t), Input(x, xStride, index, start + t + 1), Input(x, xStride, index, start + t + 2),
                    y + (long)t * yStride, yStride);
            }
            for (; t < count; t++) Tile4x1(rows, Input(x, xStride, index, start + t), y + (long)t * yStride);
            return;
        }
        for (; t < count; t++)
            for (var r = 0; r < rows.Count; r++) y[(long)t * yStride + r] = Dot(rows, r, Input(x, xStride, index, start + t));
    }

    private static float* Input(float* x, int stride, int* index, int t) => x + (long)(index == null ? t : index[t]) * stride;

    private static void Widen<TFormat>(in Rows<TFormat> rows, int r, float* output) where TFormat : IWeightFormat
    {
        for (var block = 0; block < rows.Width; block += ScaleBlock)
        {
            var factor = rows.Factor(r, block);
            for (var k = block; k < Math.Min(rows.Width, block + ScaleBlock); k += 8) TFormat.Load(rows.At(r, k), factor).Store(output + k);
        }
    }

    private static float Dot<TFormat>(in Rows<TFormat> rows, int r, float* x) where TFormat : IWeightFormat
    {
        var sum = Vector256<float>.Zero;
        for (var block = 0; block < rows.Width; block += ScaleBlock)
        {
            var factor = rows.Factor(r, block);
            for (var k = block; k < Math.Min(rows.Width, block + ScaleBlock); k += 8)
                sum = Vector256.FusedMultiplyAdd(TFormat.Load(rows.At(r, k), factor), Vector256.Load(x + k), sum);
        }
        return Vector256.Sum(sum);
    }

    private static void Tile4x1<TFormat>(in Rows<TFormat> rows, float* x, float* y) where TFormat : IWeightFormat
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        for (var block = 0; block < rows.Width; block += ScaleBlock)
        {
            Vector256<float> f0 = rows.Factor(0, block), f1 = rows.Factor(1, block), f2 = rows.Factor(2, block), f3 = rows.Factor(3, block);
            byte* w0 = rows.At(0, block), w1 = rows.At(1, block), w2 = rows.At(2, block), w3 = rows.At(3, block);
            rows.PrefetchNextTile(block);
            var end = Math.Min(rows.Width, block + ScaleBlock);
            for (var k = block; k < end; k += 8)
            {
                var v = Vector256.Load(x + k);
                a0 = Vector256.FusedMultiplyAdd(TFormat.Load(w0, f0), v, a0);
                a1 = Vector256.FusedMultiplyAdd(TFormat.Load(w1, f1), v, a1);
                a2 = Vector256.FusedMultiplyAdd(TFormat.Load(w2, f2), v, a2);
                a3 = Vector256.FusedMultiplyAdd(TFormat.Load(w3, f3), v, a3);
                w0 += 8 * TFormat.Size;
                w1 += 8 * TFormat.Size;
                w2 += 8 * TFormat.Size;
                w3 += 8 * TFormat.Size;
            }
        }
        Store4(y, a0, a1, a2, a3);
    }

    private static void Tile4x3<TFormat>(in Rows<TFormat> rows, float* x0, float* x1, float* x2, float* y, int yStride) where TFormat : IWeightFormat
    {
        Vector256<float> a00 = default, a01 = default, a02 = default, a10 = default, a11 = default, a12 = default;
        Vector256<float> a20 = default, a21 = default, a22 = default, a30 = default, a31 = default, a32 = default;
        for (var block = 0; block < rows.Width; block += ScaleBlock)
        {
            Vector256<float> f0 = rows.Factor(0, block), f1 = rows.Factor(1, block), f2 = rows.Factor(2, block), f3 = rows.Factor(3, block);
            byte* w0 = rows.At(0, block), w1 = rows.At(1, block), w2 = rows.At(2, block), w3 = rows.At(3, block);
            var end = Math.Min(rows.Width, block + ScaleBlock);
            for (var k = block; k < end; k += 8)
            {
                Vector256<float> v0 = Vector256.Load(x0 + k), v1 = Vector256.Load(x1 + k), v2 = Vector256.Load(x2 + k);
                var r = TFormat.Load(w0, f0);
                a00 = Vector256.FusedMultiplyAdd(r, v0, a00);
                a01 = Vector256.FusedMultiplyAdd(r, v1, a01);
                a02 = Vector256.FusedMultiplyAdd(r, v2, a02);
                r = TFormat.Load(w1, f1);
                a10 = Vector256.FusedMultiplyAdd(r, v0, a10);
                a11 = Vector256.FusedMultiplyAdd(r, v1, a11);
                a12 = Vector256.FusedMultiplyAdd(r, v2, a12);
                r = TFormat.Load(w2, f2);
                a20 = Vector256.FusedMultiplyAdd(r, v0, a20);
                a21 = Vector256.FusedMultiplyAdd(r, v1, a21);
                a22 = Vector256.FusedMultiplyAdd(r, v2, a22);
                r = TFormat.Load(w3, f3);
                a30 = Vector256.FusedMultiplyAdd(r, v0, a30);
                a31 = Vector256.FusedMultiplyAdd(r, v1, a31);
                a32 = Vector256.FusedMultiplyAdd(r, v2, a32);
                w0 += 8 * TFormat.Size;
                w1 += 8 * TFormat.Size;
                w2 += 8 * TFormat.Size;
                w3 += 8 * TFormat.Size;
            }
        }
        Store4(y, a00, a10, a20, a30);
        Store4(y + yStride, a01, a11, a21, a31);
        Store4(y + 2L * yStride, a02, a12, a22, a32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(float* y, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        y[0] = Vector256.Sum(a);
        y[1] = Vector256.Sum(b);
        y[2] = Vector256.Sum(c);
        y[3] = Vector256.Sum(d);
    }

    /// <summary>Up to four neighbouring rows of a matrix.</summary>
    private readonly struct Rows<TFormat> where TFormat : IWeightFormat
    {
        private readonly byte* _data;
        private readonly float* _scales;
        private readonly int _row, _scalesPerRow;

        public Rows(in LinearWeight w, int row, int count)
        {
            (Width, Count, _row) = (w.In, count, row);
            _data = (byte*)w.Weight.Address + (long)row * Width * TFormat.Size;
            if (w.Scales.IsEmpty) return;
            _scales = w.Scales.F32;
            _scalesPerRow = w.Scales.Shape[1];
        }

        public Rows(float* panel, int width, int count)
        {
            (Width, Count) = (width, count);
            _data = (byte*)panel;
        }

        public int Width { get; }

        public int Count { get; }

        public byte* At(int r, int k) => _data + ((long)r * Width + k) * TFormat.Size;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Factor(int r, int k) =>
            TFormat.Factor(_scales == null ? null : _scales + (_row + r) / ScaleBlock * _scalesPerRow + k / ScaleBlock);

        /// <summary>
        /// Rows are about a page long, where hardware prefetching stops: the same block of the next tile is asked for by hand. Reading past the
        /// matrix is harmless, a prefetch never faults.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void PrefetchNextTile(int block)
        {
            if (!Sse.IsSupported) return;
            for (var r = TileRows; r < 2 * TileRows; r++)
                for (var line = At(r, block); line < At(r, block) + ScaleBlock * TFormat.Size; line += 64) Sse.Prefetch0(line);
        }
    }
}
