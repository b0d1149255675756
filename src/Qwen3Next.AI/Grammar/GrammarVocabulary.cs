using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Grammar;

/// <summary>A tokenizer's tokens as grammars need them. Built once per tokenizer; may be used by many threads at once.</summary>
internal sealed class GrammarVocabulary
{
    private readonly Tokenizer _tokenizer;
    private readonly HashSet<int> _added;

    public GrammarVocabulary(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _added = [.. tokenizer.AddedTokens];
        var entries = new List<(ReadOnlyMemory<byte>, int)>(tokenizer.VocabularySize);
        for (var id = 0; id < tokenizer.VocabularySize; id++)
        {
            var bytes = tokenizer.MemoryOf(id);
            if (bytes.IsEmpty || _added.Contains(id)) continue;
            entries.Add((bytes, id));
            LongestToken = Math.Max(LongestToken, bytes.Length);
        }
        Trie = new TokenTrie([.. entries]);
    }

    /// <summary>Tokens of text. Added tokens are not among them: they are symbols of their own.</summary>
    public TokenTrie Trie { get; }

    /// <summary>Highest token id plus one.</summary>
    public int Size => _tokenizer.VocabularySize;

    /// <summary>Bytes of the longest token.</summary>
    public int LongestToken { get; }

    public bool IsAdded(int token) => _added.Contains(token);

    public ReadOnlyMemory<byte> BytesOf(int token) => _tokenizer.MemoryOf(token);

    /// <summary>The added token of that text; null where the tokenizer has none.</summary>
    public int? FindToken(string text) => _tokenizer.FindToken(text);
}
