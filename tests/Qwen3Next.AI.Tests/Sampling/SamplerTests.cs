using Qwen3Next.AI.Sampling;
using Xunit;

namespace Qwen3Next.AI.Tests.Sampling;

public sealed class SamplerTests
{
    private static readonly float[] Logits = [1.0f, 3.0f, 2.0f, 2.5f, -1.0f, 0.5f, 2.9f, -3.0f];

    [Fact]
    public void Sample_TemperatureZero_TakesTheMostLikely() => Assert.Equal(1, Draw(SamplingParameters.Greedy));

    [Fact]
    public void Sample_Plain_FollowsTheSoftmax() => FollowsDistribution(new SamplingParameters { Temperature = 0.8f }, Softmax(0.8, _ => true));

    [Fact]
    public void Sample_TopK_KeepsTheBest() => FollowsDistribution(new SamplingParameters { Temperature = 1, TopK = 3 }, Softmax(1, i => i is 1 or 6 or 3));

    [Theory]
    [InlineData(3, 1f)]
    [InlineData(0, 0.3f)]
    public void Sample_EqualLogits_KeepsLowerIds(int topK, float topP)
    {
        var p = new SamplingParameters { Temperature = 1, TopK = topK, TopP = topP };
        var sampler = new Sampler(8);
        var drawn = Enumerable.Range(0, 100).Select(i => sampler.Sample(new float[8], p, null, 3, i)).ToHashSet();
        Assert.Equal([0, 1, 2], drawn.Order());
    }

    // Tokens 1, 6 and 3 hold 32, 29 and 19.5 % of the mass.
    [Theory]
    [InlineData(0.6f, 2)]
    [InlineData(0.8f, 3)]
    public void Sample_TopP_KeepsTheFewestThatReachTheMass(float mass, int kept)
    {
        int[] best = [1, 6, 3];
        FollowsDistribution(new SamplingParameters { Temperature = 1, TopP = mass }, Softmax(1, best.AsSpan(0, kept).ToArray().Contains));
    }

    [Fact]
    public void Sample_MinP_KeepsThoseNearTheBest() =>
        FollowsDistribution(new SamplingParameters { Temperature = 1, MinP = 0.3f }, Softmax(1, i => Logits[i] >= 3 + Math.Log(0.3)));

    // Top-k leaves 1, 6, 3, 2, 0; of their mass at temperature 2 the first four reach 75 %; min-p drops 2, which has 61 % of the best one's weight.
    [Fact]
    public void Sample_AllCuts_ComposeInOrder() =>
        FollowsDistribution(new SamplingParameters { Temperature = 2, TopK = 5, TopP = 0.75f, MinP = 0.7f }, Softmax(2, i => i is 1 or 6 or 3));

    [Fact]
    public void Edits_OfPenaltiesAndBias_AreThoseOfTheirDefinitions()
    {
        var counts = new TokenCounts(8, [4, 2]);
        counts.Add(1);
        counts.Add(1);
        counts.Add(6);
        var bias = new Dictionary<int, float> { [1] = 0.125f, [5] = 4, [7] = 1 };
        var (logits, edits) = ((float[])Logits.Clone(), new List<LogitEdit>());
        LogitEdit.Add(edits, new SamplingParameters { RepetitionPenalty = 2, FrequencyPenalty = 0.25f, PresencePenalty = 0.5f, LogitBias = bias }, counts, tokenIds: 7);
        foreach (var edit in edits) edit.Apply(logits);
        Assert.Equal([1.0f, 3.0f / 2 - 0.5f - 0.5f + 0.125f, 2.0f / 2, 2.5f, -1.0f * 2, 0.5f + 4, 2.9f / 2 - 0.25f - 0.5f, -3.0f], logits);
    }

    [Fact]
    public void TakeBack_TokensOfTheAnswer_LeavesTheCountsBefore()
    {
        var counts = new TokenCounts(8, [4, 2]);
        counts.Add(2);
        foreach (var token in new[] { 2, 5, 5, 2, 4 }) counts.Add(token);
        foreach (var token in new[] { 4, 2, 5, 5, 2 }) counts.TakeBack(token);
        Assert.Equal([4, 2], counts.Tokens.ToArray());
        Assert.Equal([0, 1, 0], new[] { 4, 2, 5 }.Select(counts.InOutput));
        Assert.False(counts.Contains(5));
        counts.TakeBack(2);
        Assert.True(counts.Contains(2));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 2)]
    [InlineData(5, 0)]
    public void Sample_Mask_LeavesTheDistributionOfTheAllowed(int topK, int minPTenths)
    {
        var p = new SamplingParameters { Temperature = 1, TopK = topK, MinP = minPTenths / 10f };
        FollowsDistribution(p, Softmax(1, i => i is 0 or 2 or 5 && (minPTenths == 0 || Logits[i] >= 2 + Math.Log(0.2))), allowed: 0b100101);
    }

    [Fact]
    public void Sample_MaskOfOneToken_TakesItWhateverItsLogit()
    {
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(i, new Sampler(8).Sample((float[])Logits.Clone(), SamplingParameters.Greedy, null, 1, 0, [1UL << i]));
            Assert.Equal(i, new Sampler(8).Sample((float[])Logits.Clone(), new SamplingParameters { Temperature = 2, TopP = 0.5f }, null, 1, 0, [1UL << i]));
        }
    }

    [Fact]
    public void Sample_LogitBias_MovesTheChoice() =>
        Assert.Equal(4, Draw(new SamplingParameters { LogitBias = new Dictionary<int, float> { [4] = 10, [1] = -5 } }));

    [Fact]
    public void Sample_SameSeedAndPosition_SameToken()
    {
        var p = new SamplingParameters { Temperature = 5 };
        var a = Enumerable.Range(0, 50).Select(i => Draw(p, 42, i)).ToArray();
        Assert.Equal(a, Enumerable.Range(0, 50).Select(i => Draw(p, 42, i)));
        Assert.NotEqual(a, Enumerable.Range(0, 50).Select(i => Draw(p, 42L + (1L << 40), i)));
    }

    [Fact]
    public void Sample_NotANumber_FailsByName()
    {
        var error = Assert.Throws<Qwen3NextException>(() => new Sampler(2).Sample([1, float.NaN], SamplingParameters.Greedy, null, 1, 0));
        Assert.Contains("NaN", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.1f, 0, 1f, "Temperature")]
    [InlineData(float.NaN, 0, 1f, "Temperature")]
    [InlineData(1f, -1, 1f, "TopK")]
    [InlineData(1f, 0, 0f, "TopP")]
    public void Validate_OutOfRange_NamesTheValue(float temperature, int topK, float topP, string name)
    {
        var p = new SamplingParameters { Temperature = temperature, TopK = topK, TopP = topP };
        Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(p.Validate).ParamName);
    }

    [Fact]
    public void Sample_WarmedUp_AllocatesNothing()
    {
        var sampler = new Sampler(5000);
        var logits = Enumerable.Range(0, 5000).Select(i => MathF.Sin(i)).ToArray();
        var p = new SamplingParameters { Temperature = 1, TopP = 0.9f, MinP = 0.01f };
        sampler.Sample(logits, p, null, 1, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) sampler.Sample(logits, p, null, 1, i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static int Draw(SamplingParameters p, long seed = 1, int position = 0)
    {
        var edits = new List<LogitEdit>();
        LogitEdit.Add(edits, p, counts: null, tokenIds: 8);
        return new Sampler(8).Sample((float[])Logits.Clone(), p, edits.ToArray(), seed, position);
    }

    private static double[] Softmax(double temperature, Func<int, bool> kept)
    {
        var weights = Logits.Select((l, i) => kept(i) ? Math.Exp(l / temperature) : 0).ToArray();
        return [.. weights.Select(w => w / weights.Sum())];
    }

    /// <summary>Chi-square over 20,000 draws with a fixed seed; a right sampler exceeds the bound for about one seed in 10,000.</summary>
    private static void FollowsDistribution(SamplingParameters p, double[] expected, ulong allowed = ulong.MaxValue)
    {
        const int draws = 20_000;
        var counts = new int[Logits.Length];
        var sampler = new Sampler(Logits.Length);
        for (var i = 0; i < draws; i++) counts[sampler.Sample((float[])Logits.Clone(), p, null, 99, i, [allowed])]++;
        double chi = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            if (expected[i] == 0) Assert.Equal(0, counts[i]);
            else chi += Math.Pow(counts[i] - draws * expected[i], 2) / (draws * expected[i]);
        }
        Assert.InRange(chi, 0, 29.9);
    }
}
