using Qwen3Next.AI.Sampling;
using Xunit;

namespace Qwen3Next.AI.Tests.Sampling;

public sealed class TokenLogProbabilityTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public void Of_RandomLogits_EqualsSortingAndSummingAll(int top)
    {
        var random = new Random(3);
        var logits = Enumerable.Range(0, 1000).Select(_ => 20 * random.NextSingle() - 10).ToArray();
        var total = Math.Log(logits.Sum(x => Math.Exp(x)));
        var result = TokenLogProbability.Of(logits, 7, top);
        Assert.Equal((7, (float)(logits[7] - total)), (result.Token, result.LogProbability));
        Assert.Equal(Enumerable.Range(0, 1000).OrderByDescending(i => logits[i]).Take(top), result.Top.Select(t => t.Token));
        Assert.All(result.Top, t => Assert.Equal(logits[t.Token] - total, t.LogProbability, 1e-5));
    }

    [Fact]
    public void Of_EqualLogits_NamesTheLowerTokensFirst() =>
        Assert.Equal([1, 3, 0], TokenLogProbability.Of([0f, 2f, float.NegativeInfinity, 2f, 0f], 1, 3).Top.Select(t => t.Token));

    [Fact]
    public void Of_FewerTokensThanAskedFor_GivesAll() => Assert.Equal(2, TokenLogProbability.Of([0f, 0f], 0, 20).Top.Count);
}
