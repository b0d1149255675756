using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Tokenization;

public class WordSplitterTests
{
    [Theory]
    [InlineData("It's I'LL 'tis", "It|'s| I|'LL| '|tis")]
    [InlineData("x'ſ", "x|'ſ")]
    [InlineData("'re've'd'm'", "'re|'ve|'d|'m|'")]
    [InlineData("a 12 ３Ⅷ", "a| |1|2| |３|Ⅷ")]
    [InlineData(" !? ...\n\n-", " !?| ...\n\n|-")]
    [InlineData("a  b   c ", "a| | b|  | c| ")]
    [InlineData("a \n \n  b", "a| \n \n| | b")]
    [InlineData("\tx\n\ty", "\tx|\n|\ty")]
    [InlineData(" \r\n", " \r\n")]
    [InlineData("\nab", "\n|ab")]
    [InlineData("x\u0301y", "x|\u0301y")]
    [InlineData("𝐀𝟙🙂𐐀", "𝐀|𝟙|🙂𐐀")]
    [InlineData("(a) a.b", "(a|)| a|.b")]
    [InlineData("\u00A0\u3000語", "\u00A0|\u3000語")]
    [InlineData("def f(x):\n    return x", "def| f|(x|):\n|   | return| x")]
    public void WordEnd_FollowsThePattern(string text, string words)
    {
        var found = new List<string>();
        for (var start = 0; start < text.Length; start += found[^1].Length) found.Add(text[start..WordSplitter.WordEnd(text, start)]);

        Assert.Equal(words.Split('|'), found);
    }
}
