using System.Numerics.Tensors;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>
/// Layers of the published 80B shape with made-up weights, device against CPU. An emulated device is far too slow for them. Errors are measured over a
/// whole row, as the length of the difference over the length of the row: with bf16 activations in products a layer adds about 2^-8, and layers' errors are
/// independent, so four layers stay below 2^-6; a router whose tenth and eleventh expert nearly tie may choose the other one, which is as large an
/// error as the expert's weight, so one row in fifty may exceed it.
/// </summary>
public sealed class RealDimensionTests(CudaFixture cuda)
{
    private const double Bound = 1.0 / 64;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_FourLayersOfTheShape_MeetsTheCpu(bool float8)
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 1, 2, 3);
        using var device = Open(config, float8, new CudaBackend(cuda.Device));
        using var cpu = Open(config, float8, new CpuBackend(Environment.ProcessorCount));
        foreach (var count in new[] { 1, 65, 1000 })
        {
            using var here = device.Start();
            using var there = cpu.Start();
            var tokens = Enumerable.Range(0, count).Select(i => i * 7919 % 150_000).ToArray();
            // In pieces as large as the harness holds, then one token more: a continuation.
            foreach (var piece in tokens.Chunk(ModelHarness.MaxTokens).Append([17])) Meet(config, there.Append(piece), here.Append(piece), $"{count} tokens");
        }
    }

    [Fact]
    public void Decode_LongAnswer_DoesNotDrift()
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 3);
        using var device = Open(config, true, new CudaBackend(cuda.Device), blocks: 1024);
        using var cpu = Open(config, true, new CpuBackend(Environment.ProcessorCount), blocks: 1024);
        using var here = device.Start();
        using var there = cpu.Start();
        for (var i = 0; i < 4096; i++)
        {
            int[] token = [i * 7919 % 150_000];
            var (expected, actual) = (there.Append(token), here.Append(token));
            if (i % 512 == 511) Meet(config, expected, actual, $"token {i}");
        }
    }

    private static ModelHarness Open(Qwen3NextConfig config, bool float8, IBackend backend, int blocks = 256) =>
        new(config, new DummyWeights(WeightMap.Tensors(config, mtp: false), float8), backend, blocks);

    private static void Meet(Qwen3NextConfig config, float[] expected, float[] actual, string what)
    {
        var rows = expected.Length / config.VocabularySize;
        var worse = 0;
        for (var row = 0; row < rows; row++)
        {
            var reference = expected.AsSpan(row * config.VocabularySize, config.VocabularySize);
            var error = TensorPrimitives.Distance(reference, actual.AsSpan(row * config.VocabularySize, config.VocabularySize)) / TensorPrimitives.Norm(reference);
            if (!(error <= Bound)) worse++;
        }
        Assert.True(worse <= rows / 50, $"{what}: {worse} of {rows} rows are further than {Bound} from the CPU");
    }
}
