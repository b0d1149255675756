using System.Runtime.Intrinsics;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public void Norm(Tensor x, Tensor weight, float epsilon, Tensor y, int column = 0)
    {
        int tokens = x.Shape[0], width = x.Shape[1], stride = y.Shape[1];
        var work = new NormWork(x.F32, weight.F32, epsilon, y.F32 + column, tokens, width, stride);
        _threads.For(ref work, NormWork.Chunks(tokens));
    }

    internal static void NormRow(float* x, float* weight, float epsilon, float* y, int width)
    {
        var sum = Vector256<float>.Zero;
        for (var j = 0; j < width; j += 8)
        {
            var v = Vector256.Load(x + j);
            sum = Vector256.FusedMultiplyAdd(v, v, sum);
        }
        var scale = Vector256.Create(1 / MathF.Sqrt(Vector256.Sum(sum) / width + epsilon));
        for (var j = 0; j < width; j += 8) (Vector256.Load(x + j) * scale * Vector256.Load(weight + j)).Store(y + j);
    }

    private readonly struct NormWork(float* x, float* weight, float epsilon, float* y, int tokens, int width, int stride) : IParallelWork
    {
        private const int Rows = 16;

        public static int Chunks(int tokens) => (tokens + Rows - 1) / Rows;

        public void Run(int chunk, int thread)
        {
            for (var t = chunk * Rows; t < Math.Min(tokens, (chunk + 1) * Rows); t++)
                NormRow(x + (long)t * width, weight, epsilon, y + (long)t * stride, width);
        }
    }
}
