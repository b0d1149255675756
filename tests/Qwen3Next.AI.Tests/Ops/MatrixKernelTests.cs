using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed unsafe class MatrixKernelTests
{
    public static MatrixTheoryData<string, int> Cases => new(["F32", "BF16", "F16", "F8E4M3"], [1, 2, 3, 5, 6, 7, 63, 65, 130]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Project_AwkwardSizes_MeetsDoublePrecision(string typeName, int tokens)
    {
        using var memory = new TestMemory(tokens);
        using var backend = new CpuBackend(2);
        var type = Enum.Parse<DType>(typeName);
        foreach (var (rows, width) in new[] { (1, 8), (3, 24), (4, 128), (67, 136), (130, 264) })
        {
            var w = Weight(memory, type, rows, width);
            var x = memory.Random(1, tokens, width);
            var y = memory.Random(1, tokens, rows);
            backend.Project(x, [w], y);
            var residual = memory.Random(1, tokens, rows);
            var before = residual.AsSpan().ToArray();
            backend.ProjectAdd(x, w, residual);
            for (var t = 0; t < tokens; t++)
            {
                for (var n = 0; n < rows; n++)
                {
                    double expected = 0, magnitude = 0;
                    for (var k = 0; k < width; k++)
                    {
                        var product = Value(w, n, k) * x.F32[t * width + k];
                        expected += product;
                        magnitude += Math.Abs(product);
                    }
                    Assert.Equal(expected, y.F32[t * rows + n], 1e-6 * magnitude);
                    Assert.Equal(before[t * rows + n] + expected, residual.F32[t * rows + n], 1e-6 * (magnitude + 1));
                }
            }
        }
    }

    [Theory]
    [InlineData("BF16")]
    [InlineData("F8E4M3")]
    [InlineData("F32")]
    public void Project_AnyBatchAndThreads_GivesTheSameBits(string typeName)
    {
        using var memory = new TestMemory(5);
        using var one = new CpuBackend(1);
        using var three = new CpuBackend(3);
        var w = Weight(memory, Enum.Parse<DType>(typeName), 70, 256);
        var x = memory.Random(1, 100, 256);
        var whole = memory.Zeros(100, 70);
        three.Project(x, [w], whole);
        for (var t = 0; t < 100; t++)
        {
            var single = memory.Zeros(1, 70);
            one.Project(x.Rows(t, 1), [w], single);
            Assert.Equal(whole.Rows(t, 1).AsSpan().ToArray(), single.AsSpan().ToArray());
        }
    }

    private static LinearWeight Weight(TestMemory memory, DType type, int rows, int width)
    {
        var values = memory.Random(1, rows, width).AsSpan();
        var weight = memory.Store(values, type, rows, width);
        return type == DType.F8E4M3 ? new LinearWeight(weight, memory.Random(0.01f, (rows + 127) / 128, (width + 127) / 128)) : new LinearWeight(weight, default);
    }

    private static double Value(in LinearWeight w, int n, int k)
    {
        var i = n * w.In + k;
        return w.Weight.Type switch
        {
            DType.F32 => ((float*)w.Weight.Address)[i],
            DType.F16 => (double)((Half*)w.Weight.Address)[i],
            DType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)w.Weight.Address)[i] << 16),
            _ => (double)Float8.Decode(((byte*)w.Weight.Address)[i]) * w.Scales.F32[n / 128 * w.Scales.Shape[1] + k / 128],
        };
    }
}
