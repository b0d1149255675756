using Qwen3Next.AI.Cli.Output;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Output;

public sealed class InterruptsTests
{
    [Fact]
    public void Raise_NestedWork_EndsTheInnermostOnly()
    {
        var interrupts = new Interrupts();
        Assert.False(interrupts.Raise());
        using (var outer = interrupts.Begin())
        {
            using (var inner = interrupts.Begin())
            {
                Assert.True(interrupts.Raise());
                Assert.True(inner.Token.IsCancellationRequested);
                Assert.False(interrupts.Raise());
            }
            Assert.False(outer.Token.IsCancellationRequested);
            Assert.True(interrupts.Raise());
        }
        Assert.False(interrupts.Raise());
    }

    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("\e[2Jgone\a\r\u009b1m", "[2Jgone1m")]
    public void PlainText_ControlCharacters_AreLeftOut(string text, string expected) => Assert.Equal(expected, PlainText.Of(text));
}
