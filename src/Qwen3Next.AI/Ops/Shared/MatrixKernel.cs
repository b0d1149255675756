using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
        var rowBytes = (long)width * TFormat.Size;
        var data = (byte*)w.Weight.Address;
        var scales = w.Scales.IsEmpty ? null : w.Scales.F32;
        var scalesPerRow = scales == null ? 0 : w.Scales.Shape[1];
        var pass = Math.Max(TileTokens * 4, PassFloats / width / TileTokens * TileTokens);
        for (var start = 0; start < tokens; start += pass)
        {
            var count = Math.Min(pass, tokens - start);
            for (var row = firstRow; row < endRow; row += TileRows)
            {
                var rows = Math.Min(TileRows, endRow - row);
                var weights = data + row * rowBytes;
                var output = y + (long)start * yStride + (row - firstRow);
                if (typeof(TFormat) != typeof(F32Format) && count >= PanelTokens)
                {
                    for (var r = 0; r < rows; r++)
                        Widen<TFormat>(weights + r * rowBytes, ScaleRow(scales, scalesPerRow, row + r), panel + r * width, width);
                    Tokens<F32Format>((byte*)panel, width * sizeof(float), null, 0, row, rows, width, x, xStride, index, start, count, output, yStride);
                }
                else
                {
                    Tokens<TFormat>(weights, rowBytes, scales, scalesPerRow, row, rows, width, x, xStride, index, start, count, output, yStride);
                }
            }
        }
    }

    private static float* ScaleRow(float* scales, int perRow, int row) => scales == null ? null : scales + row / ScaleBlock * perRow;

    private static void Widen<TFormat>(byte* w, float* scale, float* output, int width) where TFormat : IWeightFormat
    {
        for (var k = 0; k < width; k += 8)
        {
            var value = TFormat.Load(w + k * TFormat.Size);
            if (scale != null) value *= scale[k / ScaleBlock];
            value.Store(output + k);
        }
    }

    private static void Tokens<TFormat>(byte* w, long rowBytes, float* scales, int scalesPerRow, int row, int rows, int width,
        float* x, int xStride, int* index, int start, int count, float* y, int yStride) where TFormat : IWeightFormat
    {
        var t = 0;
        if (rows == TileRows)
        {
            for (; t + TileTokens <= count; t += TileTokens)
            {
                Tile4x3<TFormat>(w, rowBytes, scales, scalesPerRow, row, width, Input(x, xStride, index, start + t),
                    Input(x, xStride, index, start + t + 1), Input(x, xStride, index, start + t + 2), y + (long)t * yStride, yStride);
            }
            for (; t < count; t++)
                Tile4x1<TFormat>(w, rowBytes, scales, scalesPerRow, row, width, Input(x, xStride, index, start + t), y + (long)t * yStride);
            return;
        }
        for (; t < count; t++)
            for (var r = 0; r < rows; r++)
                y[(long)t * yStride + r] = Dot<TFormat>(w + r * rowBytes, ScaleRow(scales, scalesPerRow, row + r), width, Input(x, xStride, index, start + t));
    }

    private static float* Input(float* x, int stride, int* index, int t) => x + (long)(index == null ? t : index[t]) * stride;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load<TFormat>(byte* w, float* scale, int k) where TFormat : IWeightFormat
    {
        var value = TFormat.Load(w + k * TFormat.Size);
        return typeof(TFormat) == typeof(F8Format) ? value * scale[k / ScaleBlock] : value;
    }

    private static float Dot<TFormat>(byte* w, float* scale, int width, float* x) where TFormat : IWeightFormat
    {
        var sum = Vector256<float>.Zero;
        for (var k = 0; k < width; k += 8) sum = Vector256.FusedMultiplyAdd(Load<TFormat>(w, scale, k), Vector256.Load(x + k), sum);
        return Vector256.Sum(sum);
    }

    private static void Tile4x1<TFormat>(byte* w, long rowBytes, float* scales, int scalesPerRow, int row, int width, float* x, float* y) where TFormat : IWeightFormat
    {
        byte* w0 = w, w1 = w0 + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* s0 = ScaleRow(scales, scalesPerRow, row), s1 = ScaleRow(scales, scalesPerRow, row + 1),
            s2 = ScaleRow(scales, scalesPerRow, row + 2), s3 = ScaleRow(scales, scalesPerRow, row + 3);
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        for (var k = 0; k < width; k += 8)
        {
            var v = Vector256.Load(x + k);
            a0 = Vector256.FusedMultiplyAdd(Load<TFormat>(w0, s0, k), v, a0);
            a1 = Vector256.FusedMultiplyAdd(Load<TFormat>(w1, s1, k), v, a1);
            a2 = Vector256.FusedMultiplyAdd(Load<TFormat>(w2, s2, k), v, a2);
            a3 = Vector256.FusedMultiplyAdd(Load<TFormat>(w3, s3, k), v, a3);
        }
        y[0] = Vector256.Sum(a0);
        y[1] = Vector256.Sum(a1);
        y[2] = Vector256.Sum(a2);
        y[3] = Vector256.Sum(a3);
    }

    private static void Tile4x3<TFormat>(byte* w, long rowBytes, float* scales, int scalesPerRow, int row, int width,
        float* x0, float* x1, float* x2, float* y, int yStride) where TFormat : IWeightFormat
    {
        byte* w0 = w, w1 = w0 + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* s0 = ScaleRow(scales, scalesPerRow, row), s1 = ScaleRow(scales, scalesPerRow, row + 1),
            s2 = ScaleRow(scales, scalesPerRow, row + 2), s3 = ScaleRow(scales, scalesPerRow, row + 3);
        Vector256<float> a00 = default, a01 = default, a02 = default, a10 = default, a11 = default, a12 = default;
        Vector256<float> a20 = default, a21 = default, a22 = default, a30 = default, a31 = default, a32 = default;
        for (var k = 0; k < width; k += 8)
        {
            Vector256<float> v0 = Vector256.Load(x0 + k), v1 = Vector256.Load(x1 + k), v2 = Vector256.Load(x2 + k);
            var r = Load<TFormat>(w0, s0, k);
            a00 = Vector256.FusedMultiplyAdd(r, v0, a00);
            a01 = Vector256.FusedMultiplyAdd(r, v1, a01);
            a02 = Vector256.FusedMultiplyAdd(r, v2, a02);
            r = Load<TFormat>(w1, s1, k);
            a10 = Vector256.FusedMultiplyAdd(r, v0, a10);
            a11 = Vector256.FusedMultiplyAdd(r, v1, a11);
            a12 = Vector256.FusedMultiplyAdd(r, v2, a12);
            r = Load<TFormat>(w2, s2, k);
            a20 = Vector256.FusedMultiplyAdd(r, v0, a20);
            a21 = Vector256.FusedMultiplyAdd(r, v1, a21);
            a22 = Vector256.FusedMultiplyAdd(r, v2, a22);
            r = Load<TFormat>(w3, s3, k);
            a30 = Vector256.FusedMultiplyAdd(r, v0, a30);
            a31 = Vector256.FusedMultiplyAdd(r, v1, a31);
            a32 = Vector256.FusedMultiplyAdd(r, v2, a32);
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
}
