using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class DraftDepthTests
{
    [Theory]
    [InlineData(0.95, 0.01, 4)]
    [InlineData(0.95, 0.3, 1)]
    [InlineData(0.6, 0.15, 1)]
    [InlineData(0.3, 0.5, 0)]
    [InlineData(0.0, 0.1, 0)]
    public void Choose_GivenCostsAndAcceptance_SettlesOnTheFastest(double acceptance, double cost, int fastest)
    {
        var depths = new DraftDepth(null, 4);
        var random = new Random(1);
        var chosen = new int[5];
        var verified = 0;
        for (var step = 0; step < 4000; step++)
        {
            var kept = 0;
            while (kept < verified && random.NextDouble() < acceptance) kept++;
            depths.Verified(verified, kept);
            var depth = depths.Choose(2);
            // Every thirtieth step is held up by something else.
            if (depth == verified) depths.Record(2, depth, (1 + cost * depth * depth) * (step % 30 == 0 ? 10 : 1));
            verified = depth;
            if (step >= 1000) chosen[depth]++;
        }
        Assert.True(chosen[fastest] > 2400, string.Join(", ", chosen));
    }

    [Fact]
    public void Tokens_AllDraftsRight_AreOneMoreThanDrafts()
    {
        var acceptance = new DraftAcceptance();
        for (var i = 0; i < 2000; i++) acceptance.Add(3, 3);
        Assert.InRange(acceptance.Tokens(3), 3.97, 4);
        for (var i = 0; i < 4000; i++) acceptance.Add(3, 1);
        Assert.InRange(acceptance.Tokens(3), 1.97, 2.03);
    }
}
