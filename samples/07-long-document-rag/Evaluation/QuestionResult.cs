using LongDocumentRag.Answering;
using LongDocumentRag.Store;

namespace LongDocumentRag.Evaluation;

/// <summary>What became of a question.</summary>
/// <param name="Question">With what is known about it.</param>
/// <param name="Rank">Place of the first passage with the evidence when the question is searched as it is, from 1; 0 where it was not found.</param>
/// <param name="Answer">Checked.</param>
/// <param name="Time">For the answer, searching included.</param>
internal sealed record QuestionResult(EvaluationQuestion Question, int Rank, Answer Answer, TimeSpan Time)
{
    public bool HadEvidence => Answer.Passages.Any(HasEvidence);

    public bool IsRight => Question.Answer is { } words && Answer.Support != Support.NotInDocuments && WordSequence.Contains(Answer.Text, words);

    /// <summary>Whether a citation that holds leads to the evidence, and not only to the same words.</summary>
    public bool CitesEvidence => Answer.Citations.Any(citation => citation is { Holds: true, Passage: { } passage } && HasEvidence(passage));

    public bool HasEvidence(Passage passage) =>
        passage.Document == Question.Document && Question.Evidence is { } words && WordSequence.Contains(passage.Text, words);
}
