using System.Diagnostics;
using CsCheck;
using Qwen3Next.AI.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

public class OutputParserTests
{
    private const string Good = "<tool_call>{\"name\": \"good\", \"arguments\": {}}</tool_call>";
    private const string GoodXml = "<tool_call>\n<function=good>\n</function>\n</tool_call>";

    private static readonly string[] s_pieces =
    [
        "<think>", "</think>", "<tool_call>", "</tool_call>", "<function=f>", "</function>", "<parameter=p>", "</parameter>", "<function=", "{\"name\": \"f\", ", "\"arguments\": ",
        "{\"a\": \"x\"}", "}", "\"", "\\", "{", "[", "\\ud800", "text", " ", "\n", "null", "<", "</", "é", "🙂", "\uD800",
    ];

    [Theory]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": 1")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": 1}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": \"1}}")]
    [InlineData("<function=f>\n<parameter=a>\n1\n</parameter>\n")]
    [InlineData("<function=f>\n<parameter=a>\n1\n</parameter>\n</func")]
    public void Complete_TruncatedCall_IsNeverExecutable(string body)
    {
        foreach (var format in new[] { Qwen3NextFormat.Instruct, Qwen3NextFormat.Coder })
        {
            var output = ParsedOutput.Parse($"Hi<tool_call>{body}", format);

            Assert.Empty(output.Calls);
            Assert.Equal("Hi", output.Content);
            Assert.Equal([$"<tool_call>{body}"], output.Invalid);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\n</tool_")]
    public void Complete_CallWithoutItsClosingTag_IsAccepted(string ending)
    {
        Assert.Equal("good", Assert.Single(ParsedOutput.Parse(Good[..^"</tool_call>".Length] + ending).Calls).Name);
        Assert.Equal("good", Assert.Single(ParsedOutput.Parse(GoodXml[..^"\n</tool_call>".Length] + ending, Qwen3NextFormat.Coder).Calls).Name);
    }

    [Theory]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": \"x}}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": \"x\ny\"}}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": 1}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {}}}")]
    [InlineData("{\"name\": \"f\", \"arguments\": [1]}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": \"\\ud800\"}}")]
    [InlineData("{\"name\": 7, \"arguments\": {}}")]
    [InlineData("{\"name\": \"\", \"arguments\": {}}")]
    [InlineData("{\"arguments\": {}}")]
    [InlineData("{}")]
    [InlineData("call it")]
    [InlineData("<function=f>\n<parameter=a>\n1\n</parameter>\n")]
    [InlineData("<function=f>\nstray text\n</function>")]
    [InlineData("<function=f>\n<parameter=a\n</parameter>\n</function>")]
    [InlineData("<function=>\n</function>")]
    [InlineData("")]
    public void Parse_BadCallBeforeGoodOne_KeepsTheGoodOneAndTheRawText(string body)
    {
        var bad = $"<tool_call>{body}</tool_call>";
        foreach (var (format, good) in new[] { (Qwen3NextFormat.Instruct, Good), (Qwen3NextFormat.Coder, GoodXml) })
        {
            foreach (var pieces in ParsedOutput.Cuts($"one {bad}\n{good}\ntwo", randomCuts: 10))
            {
                var output = ParsedOutput.Parse(new OutputParser(format, false, []), pieces);

                Assert.Equal([bad], output.Invalid);
                Assert.Equal("good", Assert.Single(output.Calls).Name);
                Assert.Equal("onetwo", output.Content);
            }
        }
    }

    [Fact]
    public void Parse_MissingClosingTagBetweenCalls_KeepsBoth()
    {
        var output = ParsedOutput.Parse(Good[..^"</tool_call>".Length] + "\n" + Good);

        Assert.Equal(["good", "good"], output.Calls.Select(call => call.Name));
        Assert.Empty(output.Invalid);
    }

    [Fact]
    public void Parse_FunctionTagInInstructText_IsText() => Assert.Equal("a <function=f></function> b", ParsedOutput.Parse("a <function=f></function> b").Content);

    [Fact]
    public void Parse_QuotedCallTagInReasoning_StaysReasoning()
    {
        const string thinking = "I could use <tool_call> here.\nNo.";

        var output = ParsedOutput.Parse(thinking + "\n</think>\n\nHi", Qwen3NextFormat.Thinking, startsInReasoning: true);

        Assert.Equal(thinking, output.Reasoning);
        Assert.Equal("Hi", output.Content);
    }

    [Theory]
    [InlineData("<tool_call><function=f><parameter=a>1</parameter><parameter=b>x</parameter><parameter=a>2</parameter></function></tool_call>")]
    [InlineData("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"1\", \"b\": \"x\", \"a\": \"2\"}}</tool_call>")]
    public void Parse_RepeatedArgument_LastValueCounts(string text)
    {
        var output = ParsedOutput.Parse(text, Qwen3NextFormat.Coder);

        Assert.Equal("{\"a\": \"2\", \"b\": \"x\"}", Assert.Single(output.Calls).Arguments.GetRawText());
    }

    [Fact]
    public void Append_PlainText_IsHeldOnlyWhileItMayBecomeATag()
    {
        var parser = new OutputParser(Qwen3NextFormat.Instruct, false, []);

        Assert.Equal("a", ParsedOutput.Parse(parser, ["a "], complete: false).Content);
        Assert.Equal(" < b", ParsedOutput.Parse(parser, ["< b<tool_"], complete: false).Content);
        Assert.Equal("<tool_box", ParsedOutput.Parse(parser, ["box"], complete: false).Content);
        Assert.Equal("\n<", ParsedOutput.Parse(parser, ["\n<"]).Content);
    }

    [Fact]
    public void Parse_AnyOutput_NeverThrowsAndDoesNotDependOnTheCut()
    {
        var outputs = Gen.Int[0, s_pieces.Length - 1].Array[0, 30].Select(indices => string.Concat(indices.Select(i => s_pieces[i])));
        Gen.Select(outputs, Gen.Int[1, 4], Gen.Bool, Gen.Bool).Sample((output, format, opened, parseTools) =>
        {
            var summaries = ParsedOutput.Cuts(output, randomCuts: 3)
                .Select(pieces => ParsedOutput.Parse(new OutputParser((Qwen3NextFormat)format, opened, [], parseTools), pieces).Summary);
            return summaries.Distinct().Count() == 1;
        }, iter: 5000);
    }

    [Theory]
    [InlineData("", "text ")]
    [InlineData("", "\n")]
    [InlineData("", "<")]
    [InlineData("<tool_call>{\"a\": \"", "text ")]
    [InlineData("<tool_call>", "{\"")]
    [InlineData("<tool_call><function=f><parameter=p>", "<parameter=p>")]
    [InlineData("", "<tool_call>{\"</tool_call>")]
    [InlineData("", "<tool_call><function=f></tool_call>")]
    public void Parse_LongOutputInSmallPieces_TakesTimeInProportion(string start, string unit)
    {
        var parser = new OutputParser(Qwen3NextFormat.Coder, false, []);
        var pieces = Enumerable.Repeat(unit, 200_000 / unit.Length).Prepend(start);

        var clock = Stopwatch.StartNew();
        Assert.NotEmpty(ParsedOutput.Parse(parser, pieces).Events);

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }
}
