using System.Text.RegularExpressions;
using LongDocumentRag.Store;

namespace LongDocumentRag.Answering;

/// <summary>
/// Checks an answer's citations, written <c>"quoted words" [n]</c>: passage n must have the quoted words, or where nothing is quoted, the sentence itself. An
/// answer without numbers is looked up as a whole, and cites the first passage that says the same word by word.
/// </summary>
internal static partial class CitationChecker
{
    public static Answer Check(string text, IReadOnlyList<Passage> passages)
    {
        text = text.Trim();
        if (text.Length == 0 || WordSequence.Contains(text, ReadingPrompt.NotInDocuments)) return new Answer(text, Support.NotInDocuments, []) { Passages = passages };
        var (cited, citations) = Mark().IsMatch(text) ? (text, Written(text, passages)) : LookUp(text, passages);
        var support = citations.Count > 0 && citations.All(citation => citation.Holds) ? Support.Cited : Support.None;
        return new Answer(cited, support, citations) { Passages = passages };
    }

    private static List<Citation> Written(string text, IReadOnlyList<Passage> passages)
    {
        List<Citation> citations = [];
        var (from, claim) = (0, "");
        foreach (Match mark in Mark().Matches(text))
        {
            // Of "... [1][2]" both stand for the words before the first.
            if (text[from..mark.Index] is var words && words.Any(char.IsLetterOrDigit)) claim = words;
            from = mark.Index + mark.Length;
            var passage = int.TryParse(mark.Groups[1].ValueSpan, out var number) && number >= 1 && number <= passages.Count ? passages[number - 1] : null;
            citations.Add(new Citation(number, passage, passage is not null && Says(passage, claim)));
        }
        return citations;
    }

    private static bool Says(Passage passage, string claim)
    {
        var quotes = Quote().Matches(claim).Select(match => match.Groups[1].Value).ToList();
        return quotes.Count > 0 ? quotes.All(quote => WordSequence.Contains(passage.Text, quote)) : WordSequence.Contains(passage.Text, claim);
    }

    private static (string Text, List<Citation> Citations) LookUp(string text, IReadOnlyList<Passage> passages)
    {
        for (var i = 0; i < passages.Count; i++)
            if (Says(passages[i], text)) return ($"{text} [{i + 1}]", [new Citation(i + 1, passages[i], Holds: true, Found: true)]);
        return (text, []);
    }

    [GeneratedRegex(@"\[(\d+)\]")]
    private static partial Regex Mark();

    [GeneratedRegex(@"[""“]([^""“”]+)[""”]")]
    private static partial Regex Quote();
}
