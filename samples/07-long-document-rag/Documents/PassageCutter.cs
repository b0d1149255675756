using System.Text;
using System.Text.RegularExpressions;

namespace LongDocumentRag.Documents;

/// <summary>Joins and cuts parts into passages: whole sentences of one place, as many as fit.</summary>
/// <param name="mostWords">Most words of a passage; a longer sentence is cut.</param>
internal sealed partial class PassageCutter(int mostWords)
{
    public IEnumerable<DocumentPart> Cut(IEnumerable<DocumentPart> parts)
    {
        List<string> words = [];
        var place = "";
        foreach (var part in parts)
        {
            foreach (var sentence in Sentences(part.Text))
            {
                if (words.Count > 0 && (part.Place != place || words.Count + sentence.Length > mostWords)) yield return Passage();
                place = part.Place;
                foreach (var piece in sentence.Chunk(mostWords))
                {
                    if (words.Count + piece.Length > mostWords) yield return Passage();
                    words.AddRange(piece);
                }
            }
        }
        if (words.Count > 0) yield return Passage();

        DocumentPart Passage()
        {
            var passage = new DocumentPart(place, string.Join(' ', words));
            words.Clear();
            return passage;
        }
    }

    private static IEnumerable<string[]> Sentences(string text) => SentenceEnd().Split(Clean(text))
        .Select(sentence => sentence.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length > 0);

    /// <summary>Without control characters and halves of characters, which damaged documents have and databases refuse.</summary>
    private static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) clean.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return clean.ToString();
    }

    [GeneratedRegex(@"(?<=[.!?]["")\]”’]?)\s+(?=[\p{Lu}\p{N}""'(\[“])")]
    private static partial Regex SentenceEnd();
}
