using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Xunit;
using Xunit.Sdk;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>
/// Layers of the published 80B shape with made-up weights, device against CPU by <see cref="HalfByHalf"/>. An emulated device is far too slow for them:
/// it gets layers of a small shape.
/// </summary>
public sealed class RealDimensionTests(CudaFixture cuda)
{
    // Of the 512 experts' choices one in 350 is expected to hang on less than 1e-4, by a gap of 0.035 on average; the small shape's gaps are larger.
    private const double MostNearTies = 0.01;

    private static readonly Qwen3NextConfig Real = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 1, 2, 3);

    private static readonly Qwen3NextConfig Small = Real.WithLayers(2, 3) with
    {
        VocabularySize = 1000, HiddenSize = 256, QueryHeads = 4, KvHeads = 2, HeadDim = 64, Rope = new RopeConfig(1e7, 32),
        KeyHeads = 2, ValueHeads = 4, KeyHeadDim = 64, ValueHeadDim = 64, Experts = 32, ActiveExperts = 5, ExpertWidth = 64, SharedExpertWidth = 64,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_FourLayersOfTheShape_MeetsTheCpuHalfByHalf(bool float8)
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        Meet(Real, float8, new CudaBackend(cuda.Device), 1, 65, 1000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_SmallShape_MeetsTheCpuHalfByHalf(bool float8) => Meet(Small, float8, new CudaBackend(cuda.Device), 1, 10, 70);

    /// <summary>Every row of the last steps must be as near as those of the first.</summary>
    [Fact]
    public void Decode_LongAnswer_DoesNotDrift()
    {
        Assert.SkipWhen(cuda.IsEmulated, "Real dimensions take a real GPU.");
        // The head remembers nothing.
        Decode(Real with { VocabularySize = 8192 }, new CudaBackend(cuda.Device), 4096);
    }

    [Fact]
    public void Decode_SmallShape_DoesNotDrift() => Decode(Small, new CudaBackend(cuda.Device), 40);

    /// <summary>The comparison itself: a device that is the CPU, but for one thing.</summary>
    [Theory]
    [InlineData(nameof(Fault.None))]
    [InlineData(nameof(Fault.RouterInexact))]
    [InlineData(nameof(Fault.MixerTooLarge))]
    [InlineData(nameof(Fault.OneRowTooLarge))]
    [InlineData(nameof(Fault.AnotherExpert))]
    [InlineData(nameof(Fault.AllRowsInexact))]
    [InlineData(nameof(Fault.NotANumber))]
    public void Meet_FaultyDevice_Fails(string fault)
    {
        void Compare() => Meet(Small, float8: false, new FaultyBackend(Enum.Parse<Fault>(fault)), 1, 10, 70);
        if (fault == nameof(Fault.None)) Compare();
        else Assert.ThrowsAny<XunitException>(Compare);
    }

    /// <summary>The same device passes when its router's inexactness counts as a near tie.</summary>
    [Fact]
    public void Meet_OtherChoicesAtNearTies_Passes()
    {
        using var models = new HalfByHalf(Small, float8: false, new FaultyBackend(Fault.RouterInexact), nearTie: 0.02f);
        models.Meet([[.. Tokens(Small, 70)]]);
        Assert.InRange(models.NearTies, 1, models.Choices - 1);
    }

    // In pieces as large as the harness holds, then as drafts and decoded tokens come.
    private static void Meet(Qwen3NextConfig config, bool float8, IBackend device, params int[] counts)
    {
        using var models = new HalfByHalf(config, float8, device);
        foreach (var count in counts) models.Meet([.. Tokens(config, count).Chunk(ModelHarness.MaxTokens), [17, 18, 19], [20], [21]]);
        Assert.InRange(models.NearTies, 0, MostNearTies * models.Choices);
    }

    private static void Decode(Qwen3NextConfig config, IBackend device, int count)
    {
        using var models = new HalfByHalf(config, float8: true, device, blocks: 1024);
        models.Meet(Tokens(config, count).Chunk(1));
        Assert.InRange(models.NearTies, 0, MostNearTies * models.Choices);
    }

    private static IEnumerable<int> Tokens(Qwen3NextConfig config, int count) => Enumerable.Range(0, count).Select(i => i * 7919 % (config.VocabularySize - 1));

    private enum Fault
    {
        None,
        RouterInexact,
        MixerTooLarge,
        OneRowTooLarge,
        AnotherExpert,
        AllRowsInexact,
        NotANumber,
    }

    private sealed class FaultyBackend(Fault fault) : PassingBackend(new CpuBackend(2))
    {
        public override void ProjectAdd(Tensor y, LinearWeight w, Tensor x)
        {
            if (fault == Fault.MixerTooLarge)
                foreach (ref var value in y.AsSpan()) value *= 1.02f;
            base.ProjectAdd(y, w, x);
            if (fault == Fault.NotANumber) x.AsSpan()[^1] = float.NaN;
        }

        public override void FeedForward(FeedForwardParameters p, Tensor norm, float epsilon, Tensor x)
        {
            var before = x.AsSpan().ToArray();
            base.FeedForward(Changed(p), norm, epsilon, x);
            var first = fault == Fault.AllRowsInexact ? 0 : fault == Fault.OneRowTooLarge && x.Shape[0] > 64 ? before.Length - x.Shape[1] : before.Length;
            for (var i = first; i < before.Length; i++) x.AsSpan()[i] += (fault == Fault.AllRowsInexact ? 0.01f : 0.02f) * (x.AsSpan()[i] - before[i]);
        }

        private FeedForwardParameters Changed(FeedForwardParameters p) => new()
        {
            Router = fault == Fault.RouterInexact ? Inexact(p.Router!.Value.Weight) : p.Router,
            // Two of many, each under the other's number.
            Experts = fault == Fault.AnotherExpert ? [p.Experts[1], p.Experts[0], .. p.Experts[2..]] : p.Experts,
            ActiveExperts = p.ActiveExperts,
            NormalizeWeights = p.NormalizeWeights,
            Shared = p.Shared,
            SharedGate = p.SharedGate,
        };

        /// <summary>The logits' deviation is 0.3: they differ by 0.0015.</summary>
        private LinearWeight Inexact(Tensor router)
        {
            var copy = Allocate(DType.F32, router.Shape);
            TensorConvert.ToSingle(router, copy.AsSpan());
            for (var i = 0; i < copy.Shape.Elements; i++) copy.AsSpan()[i] *= i % 2 == 0 ? 1.005f : 0.995f;
            return new LinearWeight(copy);
        }
    }
}
