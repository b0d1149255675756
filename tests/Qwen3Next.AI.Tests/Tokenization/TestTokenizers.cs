using System.IO.Compression;
using System.Text.Json.Nodes;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Tests.Tokenization;

/// <summary>Tokenizers to test with: the real vocabulary where it is present, and a small one made here.</summary>
internal static class TestTokenizers
{
    private static readonly Lock s_gate = new();
    private static Tokenizer? s_qwen;

    /// <summary>The vocabulary of the Qwen3 family; skips the test where its file is absent.</summary>
    public static Tokenizer Qwen()
    {
        var packed = Golden.Path("qwen3-tokenizer.json.gz");
        lock (s_gate)
        {
            return s_qwen ??= Unpack(packed);
        }
    }

    /// <summary>256 bytes, the merges "h e", "l l", "he ll", "hell o" and the added tokens of a chat model.</summary>
    public static JsonObject SmallJson()
    {
        var vocabulary = new JsonObject();
        for (var value = 0; value < 256; value++) vocabulary[ByteAlphabet.CharOf((byte)value).ToString()] = value;
        foreach (var token in new[] { "he", "ll", "hell", "hello" }) vocabulary[token] = vocabulary.Count;
        var added = new JsonArray();
        foreach (var content in new[] { "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>" })
        {
            added.Add(new JsonObject { ["id"] = 260 + added.Count, ["content"] = content, ["special"] = content.StartsWith("<|", StringComparison.Ordinal) });
        }
        return new JsonObject
        {
            ["added_tokens"] = added,
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = WordSplitter.Pattern } },
                    new JsonObject { ["type"] = "ByteLevel", ["use_regex"] = false }),
            },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray("h e", "l l", "he ll", "hell o") },
        };
    }

    public static Tokenizer Small() => Load(SmallJson().ToJsonString());

    public static Tokenizer Load(string json)
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), json);
            return Tokenizer.Load(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Tokenizer Unpack(string packed)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(packed), CompressionMode.Decompress));
        return Load(reader.ReadToEnd());
    }
}
