using CsCheck;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

public class StopSequenceMatcherTests
{
    [Fact]
    public void Append_HoldsOnlyWhatMayBecomeASequence()
    {
        var matcher = new StopSequenceMatcher(["END", "\n\n"]);

        Assert.Equal("a", matcher.Append("aE"));
        Assert.Equal("E", matcher.Append("EN"));
        Assert.Equal("ENx", matcher.Append("x\n"));
        Assert.Equal("\ny", matcher.Append("y"));
        Assert.False(matcher.Stopped);
        Assert.Equal("z", matcher.Append("zEND more"));
        Assert.True(matcher.Stopped);
        Assert.Equal("", matcher.Append("more"));
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Flush_UnfinishedSequence_IsShown()
    {
        var matcher = new StopSequenceMatcher(["STOP"]);

        Assert.Equal("a ", matcher.Append("a STO"));
        Assert.Equal("STO", matcher.Flush());
        Assert.False(matcher.Stopped);
    }

    [Fact]
    public void Append_LongerSequenceThatBeganEarlier_Wins()
    {
        var matcher = new StopSequenceMatcher(["b", "abc"]);
        Assert.Equal("x", matcher.Append("xab"));
        Assert.False(matcher.Stopped);
        Assert.Equal("", matcher.Append("c"));
        Assert.True(matcher.Stopped);

        matcher = new StopSequenceMatcher(["b", "abc"]);
        Assert.Equal("xa", matcher.Append("xab!"));
        Assert.True(matcher.Stopped);

        matcher = new StopSequenceMatcher(["b", "abc"]);
        Assert.Equal("xa", matcher.Append("xab") + matcher.Flush());
        Assert.True(matcher.Stopped);
    }

    [Fact]
    public void Append_NoSequences_ShowsEverythingAtOnce()
    {
        Assert.Equal("text", new StopSequenceMatcher([]).Append("text"));
        Assert.Equal("text", new StopSequenceMatcher([""]).Append("text"));
    }

    [Fact]
    public void Append_AnyTextInAnyCut_EndsAtTheFirstOccurrence()
    {
        var words = Gen.Char['a', 'c'].Array[1, 4].Select(chars => new string(chars));
        var texts = Gen.Char['a', 'd'].Array[0, 40].Select(chars => new string(chars));
        Gen.Select(words.Array[1, 4], texts).Sample((sequences, text) =>
        {
            var end = sequences.Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
            foreach (var pieces in ParsedOutput.Cuts(text, randomCuts: 3))
            {
                var matcher = new StopSequenceMatcher(sequences);
                var shown = string.Concat(pieces.Select(matcher.Append).ToList()) + matcher.Flush();
                if (shown != (end < 0 ? text : text[..end]) || matcher.Stopped != end >= 0) return false;
            }
            return true;
        }, iter: 20_000);
    }

    [Fact]
    public void Append_LongNearMisses_TakeTimeInProportion()
    {
        var matcher = new StopSequenceMatcher([new string('a', 20_000) + "b"]);
        var clock = System.Diagnostics.Stopwatch.StartNew();

        for (var i = 0; i < 1_000_000; i++) matcher.Append("a");

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }
}
