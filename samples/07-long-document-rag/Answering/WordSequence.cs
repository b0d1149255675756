using System.Text.RegularExpressions;

namespace LongDocumentRag.Answering;

/// <summary>Compares texts by their words alone: case, punctuation and line breaks do not count.</summary>
internal static partial class WordSequence
{
    /// <summary>Whether one text has the words of the other in a row. A text without words occurs nowhere.</summary>
    public static bool Contains(string text, string words)
    {
        var wanted = Of(words);
        return wanted.Length > 1 && Of(text).Contains(wanted, StringComparison.Ordinal);
    }

    // A space on both sides of each word, so that only whole words match.
    private static string Of(string text) => " " + string.Concat(Word().Matches(text.ToLowerInvariant()).Select(match => match.Value + " "));

    /// <summary>A number keeps its point and its comma, so that 1.5 is not 1 and 5.</summary>
    [GeneratedRegex(@"[\p{L}\p{N}\p{M}]+(?:[.,](?=\p{N})\p{N}+)*")]
    private static partial Regex Word();
}
