using System.Numerics.Tensors;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Weights;
using Xunit;
using Tensor = Qwen3Next.AI.Tensors.Tensor;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>
/// Layers of the published 80B shape with made-up weights, device against CPU. An emulated device is far too slow for them.
/// <para>
/// Whole models cannot be compared closely: of 512 made-up experts the tenth and the eleventh have logits that are 0.035 apart on average, and rounding
/// before the router moves their difference by 0.005, so in one layer of a row in twenty another expert is chosen. That is no error, but it is 2^-4 of
/// the residual stream, and the states carry it on to later rows. So each half of a layer, mixer and feed-forward, gets the CPU's residual stream: both
/// routers then read the same numbers.
/// </para>
/// <para>
/// An error is the length of the difference of a row over the length of what the half adds to it. One rounding to bf16 is 0.4 of 2^-8 in the mean
/// square. Of a mixer, what enters both projections, values and gates are rounded, or follow from rounded numbers by functions that bend; of a
/// feed-forward see ExpertsTests: four to six such errors, together 0.7 to 1.1 of 2^-8 on average. Half of many rows must be within twice that. At a
/// conversation's first tokens a head's sum has few terms, which may nearly cancel: every row must be within four times that. Another expert in the
/// place of the tenth is 0.3 of what the feed-forward adds; one left out, a wrong scale or a wrong position are no smaller.
/// </para>
/// </summary>
public sealed class RealDimensionTests(CudaFixture cuda)
{
    private const double Typical = 1.0 / 128, Bound = 1.0 / 64, WithAnotherExpert = 1.0 / 2;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_FourLayersOfTheShape_MeetsTheCpuHalfByHalf(bool float8)
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 1, 2, 3);
        using var device = Open(config, float8, new CudaBackend(cuda.Device));
        using var cpu = Open(config, float8, new CpuBackend(Environment.ProcessorCount));
        foreach (var count in new[] { 1, 65, 1000 })
        {
            using var here = device.Start();
            using var there = cpu.Start();
            var tokens = Enumerable.Range(0, count).Select(i => i * 7919 % 150_000);
            // In pieces as large as the harness holds, then as drafts and decoded tokens come.
            foreach (var piece in tokens.Chunk(ModelHarness.MaxTokens).Append([17, 18, 19]).Append([20]).Append([21]))
                MeetByHalves(piece, $"{piece.Length} tokens at {there.Length}");

            void MeetByHalves(int[] piece, string what)
            {
                var reached = new List<float[]>();
                var expected = there.Append(piece, Note, afterMixer: Note);
                var half = 0;
                var actual = here.Append(piece, Compare, afterMixer: Compare);
                Meet(Errors(piece.Length, new float[expected.Length], expected, actual), $"{what}, logits");

                void Note(int layer, Tensor x) => reached.Add(cpu.Read(x).ToArray());

                void Compare(int layer, Tensor x)
                {
                    // Nearly all of the first sum is what the first mixer adds to the small embeddings.
                    var before = half == 0 ? new float[reached[0].Length] : reached[half - 1];
                    var errors = Errors(piece.Length, before, reached[half], device.Read(x));
                    if (half % 2 == 0) Meet(errors, $"{what}, mixer of layer {layer}");
                    else Meet(errors, $"{what}, feed-forward of layer {layer}", piece.Length > 64 ? 1 : 0);
                    device.Write(reached[half++], x);
                }
            }
        }
    }

    /// <summary>Rows run on their own numbers here. Those that chose another expert are few, so half of any 512 must be within the bound, the last like the first.</summary>
    [Fact]
    public void Decode_LongAnswer_DoesNotDrift()
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 3);
        using var device = Open(config, true, new CudaBackend(cuda.Device), blocks: 1024);
        using var cpu = Open(config, true, new CpuBackend(Environment.ProcessorCount), blocks: 1024);
        using var here = device.Start();
        using var there = cpu.Start();
        foreach (var span in Enumerable.Range(0, 4096).Chunk(512))
        {
            var errors = new List<double>();
            foreach (var i in span)
            {
                int[] token = [i * 7919 % 150_000];
                var expected = there.Append(token);
                errors.AddRange(Errors(1, new float[expected.Length], expected, here.Append(token)));
            }
            Assert.True(Middle(errors) <= Bound, $"tokens {span[0]} to {span[^1]}: {Describe(errors)}");
        }
    }

    private static ModelHarness Open(Qwen3NextConfig config, bool float8, IBackend backend, int blocks = 256) =>
        new(config, new DummyWeights(WeightMap.Tensors(config, mtp: false), float8), backend, blocks);

    /// <summary>Of each row the length of the difference over the length of the way from where it was to where it should be.</summary>
    private static List<double> Errors(int rows, float[] before, float[] expected, ReadOnlySpan<float> actual)
    {
        var (errors, width) = (new List<double>(), expected.Length / rows);
        for (var start = 0; start < expected.Length; start += width)
        {
            ReadOnlySpan<float> wanted = expected.AsSpan(start, width);
            errors.Add(TensorPrimitives.Distance(wanted, actual.Slice(start, width)) / TensorPrimitives.Distance(wanted, before.AsSpan(start, width)));
        }
        return errors;
    }

    /// <param name="errors">Of each row.</param>
    /// <param name="what">For the message.</param>
    /// <param name="undecided">Rows that may have another expert. Above 64 rows the router reads 16 bits of its input, which decides otherwise in one row of ten thousand.</param>
    private static void Meet(List<double> errors, string what, int undecided = 0) =>
        Assert.True((errors.Count <= 8 || Middle(errors) <= Typical) && errors.Count(error => !(error <= Bound)) <= undecided && errors.All(error => error <= WithAnotherExpert),
            $"{what}: {Describe(errors)}");

    private static double Middle(List<double> errors) => errors.Order().ElementAt(errors.Count / 2);

    private static string Describe(List<double> errors) =>
        $"{errors.Count(error => !(error <= Bound))} of {errors.Count} rows are further than {Bound} from the CPU, the worst {errors.Max():0.0000}, the middle one {Middle(errors):0.0000}";
}
