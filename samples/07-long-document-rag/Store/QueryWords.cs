using System.Text.RegularExpressions;

namespace LongDocumentRag.Store;

/// <summary>The words of a query, without anything that a search language could take for an operator.</summary>
internal static partial class QueryWords
{
    // No question needs more, and a pasted book must not become one.
    private const int Most = 64;

    public static IEnumerable<string> Of(string query) =>
        Word().Matches(query).Select(match => match.Value.ToLowerInvariant()).Distinct().Take(Most);

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();
}
