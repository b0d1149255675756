using System.Text.Json;

namespace Qwen3Next.AI.Tokenization;

/// <summary>The contents of a tokenizer.json, checked: what is not supported is refused, because ids would silently come out wrong.</summary>
internal sealed class TokenizerFile
{
    private readonly string _path;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    private TokenizerFile(string path, JsonElement root)
    {
        _path = path;
        var model = Member(root, "model", JsonValueKind.Object);
        RequireSupported(root, model);
        Composes = root.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind == JsonValueKind.Object;

        foreach (var entry in Member(model, "vocab", JsonValueKind.Object).EnumerateObject()) _ids[entry.Name] = Id(entry.Value, entry.Name);
        AddedTokens = [.. ReadAddedTokens(root)];
        var highest = _ids.Values.Concat(AddedTokens.Select(t => t.Id)).DefaultIfEmpty(-1).Max();
        Tokens = new byte[]?[highest + 1];
        foreach (var (token, id) in _ids) Tokens[id] = ByteAlphabet.BytesOf(token);
        foreach (var token in AddedTokens) Tokens[token.Id] = System.Text.Encoding.UTF8.GetBytes(token.Content);
        ByteIds = [.. Enumerable.Range(0, 256).Select(value => IdOf(ByteAlphabet.CharOf((byte)value).ToString(), $"byte 0x{value:X2}"))];
        Merges = ReadMerges(Member(model, "merges", JsonValueKind.Array));
    }

    /// <summary>The bytes of each token by id; null where an id has no token.</summary>
    public byte[]?[] Tokens { get; }

    /// <summary>The id of each single byte.</summary>
    public int[] ByteIds { get; }

    public MergeTable Merges { get; }

    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>Whether text is brought into normalization form C.</summary>
    public bool Composes { get; }

    public static TokenizerFile Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path;
        try
        {
            using var stream = File.OpenRead(file);
            using var document = JsonDocument.Parse(stream);
            return new TokenizerFile(file, document.RootElement);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"Tokenizer '{file}' does not exist. Copy tokenizer.json from the model's repository into the checkpoint folder.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"Tokenizer '{file}' cannot be read: {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"Tokenizer '{file}' is not JSON: {e.Message} The download may be incomplete; fetch tokenizer.json again.", e);
        }
    }

    private void RequireSupported(JsonElement root, JsonElement model)
    {
        if (model.TryGetProperty("type", out var type) && !Is(type, "BPE")) throw Unsupported("model.type", type, "\"BPE\"");
        foreach (var flag in new[] { "ignore_merges", "byte_fallback" })
        {
            if (model.TryGetProperty(flag, out var value) && value.ValueKind == JsonValueKind.True) throw Unsupported($"model.{flag}", value, "false");
        }
        if (root.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind != JsonValueKind.Null
            && !(normalizer.ValueKind == JsonValueKind.Object && normalizer.TryGetProperty("type", out var kind) && Is(kind, "NFC")))
        {
            throw Unsupported("normalizer", normalizer, "null or type \"NFC\"");
        }
        var splitter = Member(root, "pre_tokenizer", JsonValueKind.Object);
        if (!SplitsAsExpected(splitter)) throw Unsupported("pre_tokenizer", splitter, $"a Split by {WordSplitter.Pattern} before ByteLevel");
    }

    private static bool SplitsAsExpected(JsonElement splitter) =>
        splitter.TryGetProperty("pretokenizers", out var parts) && parts.ValueKind == JsonValueKind.Array
        && parts.EnumerateArray().Any(part =>
            part.ValueKind == JsonValueKind.Object
            && part.TryGetProperty("pattern", out var pattern) && pattern.ValueKind == JsonValueKind.Object
            && pattern.TryGetProperty("Regex", out var regex) && Is(regex, WordSplitter.Pattern));

    private IEnumerable<AddedToken> ReadAddedTokens(JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens", out var list) || list.ValueKind == JsonValueKind.Null) yield break;
        foreach (var entry in Member(root, "added_tokens", JsonValueKind.Array).EnumerateArray())
        {
            var content = Member(entry, "content", JsonValueKind.String).GetString()!;
            foreach (var flag in new[] { "lstrip", "rstrip", "single_word" })
            {
                if (entry.TryGetProperty(flag, out var value) && value.ValueKind == JsonValueKind.True) throw Unsupported($"{flag} of added token '{content}'", value, "false");
            }
            if (content.Length == 0) throw Broken("an added token has empty content");
            var special = entry.TryGetProperty("special", out var mark) && mark.ValueKind == JsonValueKind.True;
            yield return new AddedToken(Id(Member(entry, "id", JsonValueKind.Number), content), content, special);
        }
    }

    // Each merge is "left right" or ["left", "right"]; its place in the list is its rank.
    private MergeTable ReadMerges(JsonElement list)
    {
        var merges = new MergeTable(list.GetArrayLength());
        var rank = 0;
        foreach (var entry in list.EnumerateArray())
        {
            var parts = entry.ValueKind switch
            {
                JsonValueKind.String => entry.GetString()!.Split(' '),
                JsonValueKind.Array when entry.EnumerateArray().All(p => p.ValueKind == JsonValueKind.String) => [.. entry.EnumerateArray().Select(p => p.GetString()!)],
                _ => [],
            };
            if (parts.Length != 2) throw Broken($"merge {rank} is {Shown(entry)}, expected \"left right\" or [\"left\", \"right\"]");
            merges.Add(IdOf(parts[0], "merge"), IdOf(parts[1], "merge"), new Merge(rank++, IdOf(parts[0] + parts[1], "merge")));
        }
        return merges;
    }

    private int IdOf(string token, string role) => _ids.TryGetValue(token, out var id) ? id : throw Broken($"model.vocab lacks token '{token}' of a {role}");

    // The bound keeps a damaged id from becoming a huge table.
    private int Id(JsonElement value, string token) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id is >= 0 and < 1 << 24
        ? id
        : throw Broken($"token '{token}' has id {Shown(value)}, expected 0 to {(1 << 24) - 1}");

    private JsonElement Member(JsonElement parent, string name, JsonValueKind kind)
    {
        if (parent.ValueKind != JsonValueKind.Object) throw Broken($"found {Shown(parent)} where an object with '{name}' was expected");
        if (!parent.TryGetProperty(name, out var value)) throw Broken($"'{name}' is missing, expected {kind}");
        return value.ValueKind == kind ? value : throw Broken($"'{name}' is {Shown(value)}, expected {kind}");
    }

    private CheckpointException Broken(string what) => new($"Tokenizer '{_path}' is damaged: {what}. Fetch tokenizer.json again.");

    private CheckpointException Unsupported(string what, JsonElement found, string expected) =>
        new($"Tokenizer '{_path}' is not supported: {what} is {Shown(found)}, expected {expected}. Use the tokenizer.json of a Qwen3 model.");

    private static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 80 ? text : text[..80] + "...";
    }
}
