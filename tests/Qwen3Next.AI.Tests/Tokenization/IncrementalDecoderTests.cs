using System.Text;
using Xunit;

namespace Qwen3Next.AI.Tests.Tokenization;

public class IncrementalDecoderTests
{
    [Fact]
    public void Append_CharacterOfSeveralTokens_ComesWithItsLastToken()
    {
        var decoder = TestTokenizers.Small().CreateDecoder();
        int[] bytes = [.. Encoding.UTF8.GetBytes("é語🙂").Select(b => (int)b)];

        Assert.Equal(["", "é", "", "", "語", "", "", "", "🙂"], bytes.Select(decoder.Append));
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void Flush_DanglingCharacter_GivesOneReplacementAndStartsAnew()
    {
        var decoder = TestTokenizers.Small().CreateDecoder();

        Assert.Equal("", decoder.Append(0xF0));
        Assert.Equal("", decoder.Append(0x9F));
        Assert.Equal("\uFFFD", decoder.Flush());
        Assert.Equal("A", decoder.Append('A'));
    }

    [Fact]
    public void Append_SpecialToken_IsLeftOutUnlessWanted()
    {
        var tokenizer = TestTokenizers.Small();

        Assert.Equal("", tokenizer.CreateDecoder().Append(261));
        Assert.Equal("<|im_end|>", tokenizer.CreateDecoder(skipSpecialTokens: false).Append(261));
        Assert.Equal("<think>", tokenizer.CreateDecoder().Append(262));
    }
}
