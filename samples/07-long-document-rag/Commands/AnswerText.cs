using LongDocumentRag.Answering;

namespace LongDocumentRag.Commands;

/// <summary>An answer as people read it: the text, what it is worth, and the sources.</summary>
internal static class AnswerText
{
    public static string Of(Answer answer) => answer.Support switch
    {
        Support.NotInDocuments => "The documents do not answer this.",
        Support.None => $"{answer.Text}\n  Not supported: no passage says this in these words, so do not rely on it.{Sources(answer)}",
        _ => answer.Text + Sources(answer),
    };

    private static string Sources(Answer answer) => string.Concat(answer.Citations.DistinctBy(c => (c.Number, c.Holds)).Select(citation => "\n  " + citation switch
    {
        { Passage: null } => $"[{citation.Number}] there is no such passage",
        { Holds: false } => $"[{citation.Number}] {citation.Passage.Source}: it has no such words",
        { Found: true } => $"[{citation.Number}] {citation.Passage.Source} (found by its words)",
        _ => $"[{citation.Number}] {citation.Passage.Source}",
    }));
}
