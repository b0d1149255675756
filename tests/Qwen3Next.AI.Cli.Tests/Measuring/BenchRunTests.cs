using System.Diagnostics;
using Qwen3Next.AI.Cli.Measuring;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Measuring;

public sealed class BenchRunTests
{
    [Fact]
    public void Of_OneConversation_LeavesTheFirstTokenToThePrefill()
    {
        var run = BenchRun.Of([Arrivals((2, 1), (3, 1), (4, 2))], 0, promptTokens: 100);
        Assert.Equal((2, 50, 1.5), (run.FirstTokenSeconds, run.PrefillRate, run.DecodeRate!.Value));
    }

    [Fact]
    public void Of_SeveralConversations_CountsTheTimeInWhichAllAnswer()
    {
        var run = BenchRun.Of([Arrivals((1, 1), (2, 1), (3, 1), (4, 1)), Arrivals((2, 1), (3, 1), (4, 1), (5, 1))], 0, promptTokens: 60);
        Assert.Equal((2, 30, 2), (run.FirstTokenSeconds, run.PrefillRate, run.DecodeRate!.Value));
    }

    [Fact]
    public void Of_ConversationsThatNeverAnswerTogether_HasNoDecodeRate() =>
        Assert.Null(BenchRun.Of([Arrivals((1, 1), (2, 1)), Arrivals((3, 1), (4, 1))], 0, promptTokens: 8).DecodeRate);

    [Fact]
    public void Spread_EvenCount_TakesTheMiddle() =>
        Assert.Equal(new Spread(2.5, 1, 9), Spread.Of([9, 2, 1, 3]));

    private static List<(long Time, int Tokens)> Arrivals(params (int Second, int Tokens)[] arrivals) =>
        [.. arrivals.Select(a => (a.Second * Stopwatch.Frequency, a.Tokens))];
}
