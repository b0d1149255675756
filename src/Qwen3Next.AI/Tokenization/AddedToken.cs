using System.Buffers;

namespace Qwen3Next.AI.Tokenization;

/// <summary>A token beside the byte-pair vocabulary, such as <c>&lt;|im_end|&gt;</c>.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Content">The exact text it stands for.</param>
/// <param name="Special">Whether decoding may leave it out.</param>
internal readonly record struct AddedToken(int Id, string Content, bool Special);

/// <summary>Finds added tokens in text: leftmost first, the longest where several start together.</summary>
internal sealed class AddedTokenFinder
{
    private readonly AddedToken[] _longestFirst;
    private readonly SearchValues<string> _contents;

    public AddedTokenFinder(IEnumerable<AddedToken> tokens)
    {
        _longestFirst = [.. tokens.OrderByDescending(t => t.Content.Length)];
        _contents = SearchValues.Create([.. _longestFirst.Select(t => t.Content)], StringComparison.Ordinal);
    }

    /// <summary>Finds the next token in the text; false where there is none.</summary>
    public bool TryFind(ReadOnlySpan<char> text, out int position, out AddedToken token)
    {
        position = text.IndexOfAny(_contents);
        token = default;
        if (position < 0) return false;
        foreach (var candidate in _longestFirst)
        {
            if (!text[position..].StartsWith(candidate.Content, StringComparison.Ordinal)) continue;
            token = candidate;
            return true;
        }
        return false;
    }
}
