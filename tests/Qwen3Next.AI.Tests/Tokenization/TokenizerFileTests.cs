using System.Text.Json.Nodes;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Tokenization;

public class TokenizerFileTests
{
    [Fact]
    public void Load_MissingFile_NamesThePathAndTheRemedy()
    {
        var folder = Path.Combine(Path.GetTempPath(), "no-such-checkpoint");

        var error = Assert.Throws<CheckpointException>(() => Tokenizer.Load(folder));

        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("{\"model\": {\"vocab\"", "is not JSON")]
    [InlineData("[]", "found []")]
    [InlineData("{}", "'model' is missing")]
    public void Load_NoTokenizer_SaysWhatWasFound(string json, string expected)
    {
        var error = Assert.Throws<CheckpointException>(() => TestTokenizers.Load(json));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.type", "\"Unigram\"", "model.type is \"Unigram\", expected \"BPE\"")]
    [InlineData("model.vocab", null, "'vocab' is missing")]
    [InlineData("model.vocab", "[]", "'vocab' is [], expected Object")]
    [InlineData("model.vocab.A", null, "lacks token 'A' of a byte 0x41")]
    [InlineData("model.vocab.A", "-1", "token 'A' has id -1")]
    [InlineData("model.vocab.A", "2000000000", "token 'A' has id 2000000000")]
    [InlineData("model.vocab.A", "\"x\"", "token 'A' has id \"x\"")]
    [InlineData("model.merges", null, "'merges' is missing")]
    [InlineData("model.merges", "[\"he\"]", "merge 0 is \"he\"")]
    [InlineData("model.merges", "[\"h e\", [\"l\"]]", "merge 1 is [\"l\"]")]
    [InlineData("model.merges", "[\"h e\", 7]", "merge 1 is 7")]
    [InlineData("model.merges", "[\"x y\"]", "lacks token 'xy' of a merge")]
    [InlineData("model.ignore_merges", "true", "model.ignore_merges is true")]
    [InlineData("model.byte_fallback", "true", "model.byte_fallback is true")]
    [InlineData("normalizer.type", "\"NFKC\"", "normalizer is {\"type\":\"NFKC\"}")]
    [InlineData("pre_tokenizer", "{\"type\":\"ByteLevel\"}", "pre_tokenizer is {\"type\":\"ByteLevel\"}")]
    [InlineData("pre_tokenizer", null, "'pre_tokenizer' is missing")]
    [InlineData("added_tokens", "7", "'added_tokens' is 7")]
    [InlineData("added_tokens", "[{\"id\": 300, \"content\": \"\"}]", "empty content")]
    [InlineData("added_tokens", "[{\"content\": \"<x>\"}]", "'id' is missing")]
    [InlineData("added_tokens", "[{\"id\": 300, \"content\": \"<x>\", \"lstrip\": true}]", "lstrip of added token '<x>' is true")]
    public void Load_DamagedOrUnsupported_SaysWhatWasFoundAndExpected(string member, string? value, string expected)
    {
        var json = TestTokenizers.SmallJson();
        var parent = json;
        var names = member.Split('.');
        foreach (var name in names[..^1]) parent = parent[name]!.AsObject();
        if (value is null) parent.Remove(names[^1]);
        else parent[names[^1]] = JsonNode.Parse(value);

        var error = Assert.Throws<CheckpointException>(() => TestTokenizers.Load(json.ToJsonString()));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("Tokenizer '", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MergesAsPairs_ReadsTheSameAsStrings()
    {
        var json = TestTokenizers.SmallJson();
        json["model"]!["merges"] = JsonNode.Parse("""[["h","e"],["l","l"],["he","ll"],["hell","o"]]""");

        Assert.Equal([259, ' ', 'h', 'o'], TestTokenizers.Load(json.ToJsonString()).Encode("hello ho"));
        Assert.Equal([259, ' ', 'h', 'o'], TestTokenizers.Small().Encode("hello ho"));
    }

    [Theory]
    [InlineData(false, "e\u0301")]
    [InlineData(true, "é")]
    public void Load_Normalizer_IsFollowed(bool composes, string expected)
    {
        var json = TestTokenizers.SmallJson();
        if (!composes) json["normalizer"] = null;
        var tokenizer = TestTokenizers.Load(json.ToJsonString());

        Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode("e\u0301")));
    }

    [Fact]
    public void Load_NoAddedTokens_ParsesNone()
    {
        var json = TestTokenizers.SmallJson();
        json.Remove("added_tokens");

        Assert.Equal("<think>".Select(c => (int)c), TestTokenizers.Load(json.ToJsonString()).Encode("<think>", parseSpecialTokens: true));
    }
}
