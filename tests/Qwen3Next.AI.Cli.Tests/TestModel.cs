using System.Text.Json.Nodes;

namespace Qwen3Next.AI.Cli.Tests;

/// <summary>A random reference checkpoint, with a tokenizer of the 256 bytes beside it.</summary>
internal static class TestModel
{
    /// <summary>The reference checkpoint as it is: without a tokenizer.</summary>
    public static string Reference { get; } = Path.Combine(AppContext.BaseDirectory, "golden", "next-yarn");

    public static string Folder { get; } = Create();

    private static string Create()
    {
        var folder = Directory.CreateTempSubdirectory("qwen3next-cli-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        foreach (var name in new[] { "config.json", "generation_config.json", "model.safetensors" })
            File.Copy(Path.Combine(Reference, name), Path.Combine(folder, name));
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer().ToJsonString());
        return folder;
    }

    private static JsonObject Tokenizer()
    {
        const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
        var vocabulary = new JsonObject();
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= 33 and <= 126 or >= 161 and <= 172 or >= 174;
            vocabulary[((char)(printable ? value : next++)).ToString()] = value;
        }
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(),
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Pattern } },
                    new JsonObject { ["type"] = "ByteLevel", ["use_regex"] = false }),
            },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        };
    }
}
