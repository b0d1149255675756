using System.Runtime.Intrinsics;

namespace Qwen3Next.AI.Ops.Shared;

/// <summary>F32 matrix products that fit in the caches, on one thread. Columns of the output come in eights.</summary>
internal static unsafe class SmallMatrix
{
    /// <summary>C(m, n) += sum over k of A(m, k) B[k, n], A(m, k) = a[m * aRow + k * aColumn], C(m, n) = c[m * cRow + n]; B dense with n columns.</summary>
    public static void MultiplyAdd(float* a, int aRow, int aColumn, float* b, float* c, int cRow, int rows, int columns, int depth)
    {
        var m = 0;
        for (; m + 4 <= rows; m += 4)
        {
            var n = 0;
            for (; n + 16 <= columns; n += 16) Tile4x16(a + m * aRow, aRow, aColumn, b + n, c + m * cRow + n, cRow, columns, depth);
            for (; n < columns; n += 8)
                for (var r = 0; r < 4; r++) Tile1x8(a + (m + r) * aRow, aColumn, b + n, c + (m + r) * cRow + n, columns, depth);
        }
        for (; m < rows; m++)
            for (var n = 0; n < columns; n += 8) Tile1x8(a + m * aRow, aColumn, b + n, c + m * cRow + n, columns, depth);
    }

    /// <summary>C[m, n] += A[m, k] . B[n, k]; depth a multiple of 8, any rows and columns.</summary>
    public static void MultiplyAddTransposed(float* a, float* b, float* c, int rows, int columns, int depth)
    {
        for (var m = 0; m < rows; m++)
        {
            var n = 0;
            for (; n + 4 <= columns; n += 4)
            {
                Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
                for (var k = 0; k < depth; k += 8)
                {
                    var v = Vector256.Load(a + m * depth + k);
                    s0 = Vector256.FusedMultiplyAdd(v, Vector256.Load(b + n * depth + k), s0);
                    s1 = Vector256.FusedMultiplyAdd(v, Vector256.Load(b + (n + 1) * depth + k), s1);
                    s2 = Vector256.FusedMultiplyAdd(v, Vector256.Load(b + (n + 2) * depth + k), s2);
                    s3 = Vector256.FusedMultiplyAdd(v, Vector256.Load(b + (n + 3) * depth + k), s3);
                }
                var output = c + m * columns + n;
                output[0] += Vector256.Sum(s0);
                output[1] += Vector256.Sum(s1);
                output[2] += Vector256.Sum(s2);
                output[3] += Vector256.Sum(s3);
            }
            for (; n < columns; n++)
            {
                Vector256<float> sum = default;
                for (var k = 0; k < depth; k += 8)
                    sum = Vector256.FusedMultiplyAdd(Vector256.Load(a + m * depth + k), Vector256.Load(b + n * depth + k), sum);
                c[m * columns + n] += Vector256.Sum(sum);
            }
        }
    }

    /// <summary>a . b; width a multiple of 8.</summary>
    public static float Dot(float* a, float* b, int width)
    {
        Vector256<float> even = default, odd = default;
        var k = 0;
        for (; k + 16 <= width; k += 16)
        {
            even = Vector256.FusedMultiplyAdd(Vector256.Load(a + k), Vector256.Load(b + k), even);
            odd = Vector256.FusedMultiplyAdd(Vector256.Load(a + k + 8), Vector256.Load(b + k + 8), odd);
        }
        if (k < width) even = Vector256.FusedMultiplyAdd(Vector256.Load(a + k), Vector256.Load(b + k), even);
        return Vector256.Sum(even + odd);
    }

    public static void Scale(float* x, float factor, int count)
    {
        for (var i = 0; i < count; i += 8) (Vector256.Load(x + i) * factor).Store(x + i);
    }

    private static void Tile4x16(float* a, int aRow, int aColumn, float* b, float* c, int cRow, int columns, int depth)
    {
        float* c1 = c + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
        Vector256<float> s00 = Vector256.Load(c), s01 = Vector256.Load(c + 8), s10 = Vector256.Load(c1), s11 = Vector256.Load(c1 + 8);
        Vector256<float> s20 = Vector256.Load(c2), s21 = Vector256.Load(c2 + 8), s30 = Vector256.Load(c3), s31 = Vector256.Load(c3 + 8);
        for (var k = 0; k < depth; k++, a += aColumn, b += columns)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            var v = Vector256.Create(*a);
            s00 = Vector256.FusedMultiplyAdd(v, b0, s00);
            s01 = Vector256.FusedMultiplyAdd(v, b1, s01);
            v = Vector256.Create(a[aRow]);
            s10 = Vector256.FusedMultiplyAdd(v, b0, s10);
            s11 = Vector256.FusedMultiplyAdd(v, b1, s11);
            v = Vector256.Create(a[2 * aRow]);
            s20 = Vector256.FusedMultiplyAdd(v, b0, s20);
            s21 = Vector256.FusedMultiplyAdd(v, b1, s21);
            v = Vector256.Create(a[3 * aRow]);
            s30 = Vector256.FusedMultiplyAdd(v, b0, s30);
            s31 = Vector256.FusedMultiplyAdd(v, b1, s31);
        }
        s00.Store(c);
        s01.Store(c + 8);
        s10.Store(c1);
        s11.Store(c1 + 8);
        s20.Store(c2);
        s21.Store(c2 + 8);
        s30.Store(c3);
        s31.Store(c3 + 8);
    }

    private static void Tile1x8(float* a, int aColumn, float* b, float* c, int columns, int depth)
    {
        var sum = Vector256.Load(c);
        for (var k = 0; k < depth; k++) sum = Vector256.FusedMultiplyAdd(Vector256.Create(a[k * aColumn]), Vector256.Load(b + k * columns), sum);
        sum.Store(c);
    }
}
