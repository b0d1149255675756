using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>Text to token ids and back: the byte-level byte-pair encoding of the Qwen family. All members may be used by many threads at once.</summary>
public sealed class Tokenizer
{
    private readonly byte[]?[] _tokens;
    private readonly HashSet<int> _special;
    private readonly Dictionary<string, int> _added;
    private readonly AddedTokenFinder _finder;
    private readonly BytePairEncoder _encoder;
    private readonly bool _composes;

    internal Tokenizer(TokenizerFile file)
    {
        _tokens = file.Tokens;
        _encoder = new BytePairEncoder(file.ByteIds, file.Merges);
        _finder = new AddedTokenFinder(file.AddedTokens);
        _added = file.AddedTokens.ToDictionary(t => t.Content, t => t.Id, StringComparer.Ordinal);
        _special = [.. file.AddedTokens.Where(t => t.Special).Select(t => t.Id)];
        _composes = file.Composes;
    }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">A tokenizer.json, or the folder that holds one.</param>
    /// <exception cref="CheckpointException">The file is missing, damaged or of a kind that is not supported.</exception>
    public static Tokenizer Load(string path) => new(TokenizerFile.Read(path));

    /// <summary>Highest token id plus one, added tokens included. The model's table may have more rows; those have no text.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>Turns text into token ids. Any string will do; a lone surrogate counts as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parseSpecialTokens">Whether the text of an added token, such as <c>&lt;|im_end|&gt;</c>, becomes that token. Leave it off for text from people.</param>
    public int[] Encode(string text, bool parseSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(new PromptText(text, parseSpecialTokens ? [] : [Range.All]));
    }

    /// <summary>Encodes a prompt. Added tokens are found outside its literal ranges only; words run across the borders of the ranges as if there were none.</summary>
    internal int[] Encode(PromptText prompt)
    {
        var text = TextNormalizer.ReplaceLoneSurrogates(prompt.Text);
        var ids = new List<int>(text.Length / 3 + 8);
        var pieceStart = 0;
        var searchStart = 0;
        foreach (var range in prompt.Literals.Append(text.Length..text.Length))
        {
            var (literalStart, literalLength) = range.GetOffsetAndLength(text.Length);
            while (_finder.TryFind(text.AsSpan(searchStart, literalStart - searchStart), out var position, out var token))
            {
                EncodePiece(text[pieceStart..(searchStart + position)], ids);
                ids.Add(token.Id);
                pieceStart = searchStart += position + token.Content.Length;
            }
            searchStart = literalStart + literalLength;
        }
        EncodePiece(text[pieceStart..], ids);
        return [.. ids];
    }

    /// <summary>Turns token ids into text; bytes that are no UTF-8 become U+FFFD, ids without a token nothing.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out. Tags such as <c>&lt;think&gt;</c> are not special.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        using var bytes = new MemoryStream(ids.Length * 4);
        foreach (var id in ids)
        {
            if (!skipSpecialTokens || !IsSpecial(id)) bytes.Write(BytesOf(id));
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>The id of an added token, or null where the tokenizer has none of that content.</summary>
    /// <param name="content">Its exact text, for example <c>&lt;think&gt;</c>.</param>
    public int? FindToken(string content) => _added.TryGetValue(content, out var id) ? id : null;

    /// <summary>Whether the id is an added token marked special, such as <c>&lt;|im_end|&gt;</c>.</summary>
    /// <param name="id">Any id.</param>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>Ids of the added tokens, which stand beside the byte-pair vocabulary.</summary>
    internal IReadOnlyCollection<int> AddedTokens => _added.Values;

    /// <summary>Starts decoding a stream of tokens.</summary>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public IncrementalDecoder CreateDecoder(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The bytes a token stands for; none for an id without a token.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => MemoryOf(id).Span;

    /// <inheritdoc cref="BytesOf"/>
    internal ReadOnlyMemory<byte> MemoryOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : default;

    private void EncodePiece(string piece, List<int> ids)
    {
        var text = (_composes ? TextNormalizer.Compose(piece) : piece).AsSpan();
        for (var start = 0; start < text.Length;)
        {
            var end = WordSplitter.WordEnd(text, start);
            _encoder.Encode(text[start..end], ids);
            start = end;
        }
    }
}
