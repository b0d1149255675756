using System.Text.Json;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Tokenization;

public class TokenizerTests
{
    [Fact]
    public void Encode_ReferenceCases_GivesExactIdsAndText()
    {
        var tokenizer = TestTokenizers.Qwen();
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("tokenizer-cases.json")));
        foreach (var item in cases.RootElement.EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

            Assert.Equal(ids, tokenizer.Encode(text, parseSpecialTokens: true));
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
        }
        Assert.Equal(332, cases.RootElement.GetArrayLength());
    }

    [Fact]
    public void Tokens_OfTheRealVocabulary_AreFoundByContent()
    {
        var tokenizer = TestTokenizers.Qwen();

        Assert.Equal(151669, tokenizer.VocabularySize);
        Assert.Equal(151645, tokenizer.FindToken("<|im_end|>"));
        Assert.Equal(151667, tokenizer.FindToken("<think>"));
        Assert.Null(tokenizer.FindToken("think"));
        Assert.True(tokenizer.IsSpecial(151645));
        Assert.False(tokenizer.IsSpecial(151667));
        Assert.False(tokenizer.IsSpecial(151936));
    }

    [Fact]
    public void Encode_WithoutParsing_LeavesAddedTokensText()
    {
        var tokenizer = TestTokenizers.Small();

        Assert.Equal([261], tokenizer.Encode("<|im_end|>", parseSpecialTokens: true));
        Assert.Equal("<|im_end|>".Select(c => (int)c), tokenizer.Encode("<|im_end|>"));
    }

    [Fact]
    public void Encode_Prompt_FindsAddedTokensOutsideLiteralsOnly()
    {
        var tokenizer = TestTokenizers.Small();
        const string text = "<think>hello<think><think>";

        Assert.Equal([262, 259, .. "<think>".Select(c => (int)c), 262], tokenizer.Encode(new PromptText(text, [7..19])));
        Assert.Equal([262, 259, 262, 262], tokenizer.Encode(new PromptText(text, [])));
    }

    [Fact]
    public void Encode_Prompt_NeverFindsATokenThatReachesIntoALiteral()
    {
        var tokenizer = TestTokenizers.Small();
        const string text = "<think>";

        foreach (var literal in new[] { 0..1, 3..4, 6..7, 1..7 })
        {
            Assert.DoesNotContain(262, tokenizer.Encode(new PromptText(text, [literal])));
        }
        Assert.Equal([262], tokenizer.Encode(new PromptText(text, [0..0, 7..7])));
    }

    [Fact]
    public void Encode_Prompt_JoinsWordsAcrossLiteralBorders()
    {
        var tokenizer = TestTokenizers.Qwen();
        const string text = "<|im_start|>user\n\n\nhello wor ld<|im_end|>\n";
        var prompt = new PromptText(text, [17..28]);

        Assert.Equal(tokenizer.Encode(text, parseSpecialTokens: true), tokenizer.Encode(prompt));
    }

    [Fact]
    public void Encode_OverlappingAddedTokens_TakesTheLongest()
    {
        var json = TestTokenizers.SmallJson();
        json["added_tokens"]!.AsArray().Add(new System.Text.Json.Nodes.JsonObject { ["id"] = 300, ["content"] = "<think>hello" });

        Assert.Equal([300, 262], TestTokenizers.Load(json.ToJsonString()).Encode("<think>hello<think>", parseSpecialTokens: true));
    }

    [Fact]
    public void Encode_LoneSurrogates_CountAsReplacementCharacter()
    {
        var tokenizer = TestTokenizers.Small();

        Assert.Equal(tokenizer.Encode("a\uFFFDb\uFFFD"), tokenizer.Encode("a\uD800b\uDC00"));
        Assert.Equal(tokenizer.Encode("\uFFFD😀"), tokenizer.Encode("\uD83D😀"));
    }

    [Fact]
    public void Decode_IdsWithoutToken_GiveNothing()
    {
        var tokenizer = TestTokenizers.Small();

        Assert.Equal("hello", tokenizer.Decode([-1, 259, 5000, int.MaxValue]));
    }

    [Fact]
    public void Decode_SkippingSpecialTokens_KeepsTags()
    {
        var tokenizer = TestTokenizers.Small();

        Assert.Equal("<think>hello", tokenizer.Decode([260, 262, 259, 261], skipSpecialTokens: true));
        Assert.Equal("<|im_start|><think>hello<|im_end|>", tokenizer.Decode([260, 262, 259, 261]));
    }
}
