using Qwen3Next.AI.Grammar;
using Xunit;

namespace Qwen3Next.AI.Tests.Grammar;

public sealed class RegularExpressionTests
{
    [Theory]
    [InlineData("", "", "a")]
    [InlineData("abc", "abc", "ab|abcd|xabc")]
    [InlineData("a|bc|", "a|bc|", "b|abc")]
    [InlineData("a*", "|a|aaa", "b|ab")]
    [InlineData("a+", "a|aa", "|b")]
    [InlineData("a?b", "b|ab", "aab|a")]
    [InlineData("a{2}", "aa", "a|aaa")]
    [InlineData("a{2,}", "aa|aaaaa", "a|")]
    [InlineData("a{1,3}", "a|aa|aaa", "|aaaa")]
    [InlineData("a{0}b", "b", "ab")]
    [InlineData("a{0,2}b", "b|ab|aab", "aaab")]
    [InlineData("(ab){2,3}", "abab|ababab", "ab|aba|abababab")]
    [InlineData("(?:a|b)*?c", "c|abac", "ab")]
    [InlineData("(?<word>[a-c]+)-", "abc-", "-|d-")]
    [InlineData("((a|b){2}c)*", "|abc|aacbbc", "ac|abcab")]
    [InlineData("[abc]", "a|c", "d|-")]
    [InlineData("[a-c0-2-]", "b|1|-", "d|3")]
    [InlineData("[^a-c]", "d|😀|é", "a|dd|")]
    [InlineData("[\\d\\-\\]]", "5|-|]", "\\|a")]
    [InlineData(".", "a|é|😀", "\n|\r|ab")]
    [InlineData("\\d\\D", "5x", "55|xx")]
    [InlineData("\\w\\W", "a-|_ ", "aé|a_")]
    [InlineData("\\s\\S", " é", "\u00a0x|x ")]
    [InlineData("\\.\\*\\(\\\\", ".*(\\", ".*(")]
    [InlineData("\\x41\\u00e9\\u{1F600}", "Aé😀", "A")]
    [InlineData("\\t\\n", "\t\n", "tn")]
    [InlineData("é😀+", "é😀😀", "é")]
    [InlineData("^a$|^b$", "a|b", "ab")]
    [InlineData("a{x}", "a{x}", "a")]
    public void Parse_Whole_AcceptsAsDotNetDoes(string pattern, string accepted, string refused)
    {
        var automaton = RegularExpression.Parse(pattern, whole: true);
        Assert.All(accepted.Split('|'), text => Assert.True(automaton.Accepts(text), text));
        Assert.All(refused.Split('|'), text => Assert.False(automaton.Accepts(text), text));
        // What is accepted, .NET accepts too; it may accept more. It counts characters beyond 16 bits as two, which JSON schema does not.
        Assert.All(accepted.Split('|').Where(text => !text.Any(char.IsSurrogate)), text => Assert.Matches($"^(?:{pattern})$", text));
    }

    [Theory]
    [InlineData("(?=a)", "look-around or inline options")]
    [InlineData("(?i)a", "look-around or inline options")]
    [InlineData("(?<!a)b", "look-around or inline options")]
    [InlineData("a\\b", "'\\b'")]
    [InlineData("(a)\\1", "'\\1'")]
    [InlineData("\\p{L}", "'\\p'")]
    [InlineData("(^a)", "an anchor")]
    [InlineData("a^b", "an anchor")]
    [InlineData("(a", "a bracket")]
    [InlineData("a)", "a bracket")]
    [InlineData("[a", "a bracket")]
    [InlineData("*a", "'*' with nothing before it")]
    [InlineData("a**", "a repetition of a repetition")]
    [InlineData("a{3,2}", "the wrong way round")]
    [InlineData("a{99999}", "repetitions")]
    [InlineData("[z-a]", "no order")]
    [InlineData("a\\", "an escape")]
    [InlineData("\\u12", "hexadecimal")]
    public void Parse_Unsupported_SaysWhat(string pattern, string what) =>
        Assert.Contains(what, Assert.Throws<NotSupportedException>(() => RegularExpression.Parse(pattern, whole: false)).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_ManyBrackets_IsRefusedAndNotACrash() =>
        Assert.Throws<NotSupportedException>(() => RegularExpression.Parse(new string('(', 100_000), whole: true));

    [Fact]
    public void Complement_OfTexts_IsEveryOther()
    {
        var automaton = CharacterDfa.Of(["", "ab", "é"]).Complement();
        Assert.All((string[])["a", "abc", "😀", "e"], text => Assert.True(automaton.Accepts(text)));
        Assert.All((string[])["", "ab", "é"], text => Assert.False(automaton.Accepts(text)));
    }
}
