using System.Diagnostics;
using System.Text;
using CsCheck;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Tokenization;

public class TokenizerPropertyTests
{
    private static readonly Gen<string> s_runes = Gen.OneOf(
            Gen.Int[0, 0x7F], Gen.Int[0x80, 0x2FF], Gen.Int[0x300, 0x36F], Gen.Int[0x4E00, 0x4EFF], Gen.Int[0xAC00, 0xACFF], Gen.Int[0x1F600, 0x1F64F], Gen.Int[0, 0x10FFFF])
        .Where(Rune.IsValid).Select(value => new Rune(value).ToString());

    private static readonly string[] s_phrases =
    [
        "hello", " world", "\n\n", "  ", "<think>", "<|im_end|>", "<|im_", "end|>", "'S", "'ll", "e\u0301", "👩‍👩‍👧", "\u1100\u1161\u11A8", "１２", "\r\n", "<tool_call>",
    ];

    private static readonly Gen<string> s_words = Gen.Int[0, s_phrases.Length - 1].Select(i => s_phrases[i]);

    private static readonly Gen<string> s_text = Gen.OneOf(s_runes, s_words).Array[0, 40].Select(string.Concat);

    // Any chars at all, lone surrogates included.
    private static readonly Gen<string> s_chars = Gen.OneOf(Gen.Char, Gen.Char['\uD800', '\uDFFF']).Array[0, 40].Select(chars => new string(chars));

    public static TheoryData<bool> Vocabularies => [false, true];

    // string.Normalize refuses U+FFFE, which composes with nothing.
    private static string Composed(string text) => string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(NormalizationForm.FormC)));

    private static bool IsWellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;

    private static Tokenizer Pick(bool real) => real ? TestTokenizers.Qwen() : TestTokenizers.Small();

    [Theory, MemberData(nameof(Vocabularies))]
    public void Decode_OfEncoded_IsTheNormalizedText(bool real)
    {
        var tokenizer = Pick(real);
        s_text.Sample(text => tokenizer.Decode(tokenizer.Encode(text)) == Composed(text), iter: 3000);
    }

    [Theory, MemberData(nameof(Vocabularies))]
    public void Encode_AnyChars_NeverThrowsAndDecodesToReplacedText(bool real)
    {
        var tokenizer = Pick(real);
        s_chars.Sample(text =>
        {
            var replaced = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            return tokenizer.Decode(tokenizer.Encode(text, parseSpecialTokens: true)) == Composed(replaced);
        }, iter: 3000);
    }

    [Theory, MemberData(nameof(Vocabularies))]
    public void IncrementalDecoder_AnyTokens_GivesTheWholeDecodeInWholeCharacters(bool real)
    {
        var tokenizer = Pick(real);
        // Any ids: most sequences are no valid UTF-8.
        Gen.Int[-1, tokenizer.VocabularySize + 2].Array[0, 60].Sample(ids =>
        {
            var decoder = tokenizer.CreateDecoder(skipSpecialTokens: false);
            var pieces = ids.Select(decoder.Append).ToList();
            pieces.Add(decoder.Flush());
            return string.Concat(pieces) == tokenizer.Decode(ids) && pieces.All(IsWellFormed);
        }, iter: 3000);
    }

    [Theory, MemberData(nameof(Vocabularies))]
    public void Encode_LiteralRanges_NeverYieldAnAddedToken(bool real)
    {
        var tokenizer = Pick(real);
        var firstAdded = tokenizer.FindToken(real ? "<|endoftext|>" : "<|im_start|>")!.Value;
        s_text.Sample(text => tokenizer.Encode(new PromptText(text, [0..text.Length])).All(id => id < firstAdded), iter: 3000);
    }

    [Theory, MemberData(nameof(Vocabularies))]
    public void Encode_LiteralsWithoutAddedTokens_EqualsEncodingTheWholePrompt(bool real)
    {
        var tokenizer = Pick(real);
        Gen.Select(s_text, s_text).Sample((content, other) =>
        {
            content = content.Replace('<', '(').Replace('|', 'I');
            other = other.Replace('<', '(').Replace('|', 'I');
            var text = $"<|im_start|>{content}<|im_end|>{other}<think>\n";
            var prompt = new PromptText(text, [12..(12 + content.Length), (22 + content.Length)..(22 + content.Length + other.Length)]);
            return tokenizer.Encode(prompt).SequenceEqual(tokenizer.Encode(text, parseSpecialTokens: true));
        }, iter: 2000);
    }

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData(" \n")]
    [InlineData("!")]
    [InlineData("<")]
    [InlineData("<|im_end|")]
    [InlineData("'")]
    [InlineData("\u0301")]
    [InlineData("\u0301\u0323")]
    [InlineData("\uD800")]
    [InlineData("\uDC00\uD800")]
    [InlineData("界")]
    [InlineData("\u1100")]
    public void Encode_MuchOfOneThing_TakesTimeInProportion(string unit)
    {
        var tokenizer = TestTokenizers.Qwen();
        var text = string.Concat(Enumerable.Repeat(unit, (1 << 19) / unit.Length));
        tokenizer.Encode(text[..1000], parseSpecialTokens: true);

        var clock = Stopwatch.StartNew();
        var ids = tokenizer.Encode(text, parseSpecialTokens: true);

        // Anything quadratic takes minutes here; a slow, busy machine needs at most a few seconds.
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"took {clock.Elapsed}");
        Assert.NotEmpty(ids);
    }
}
