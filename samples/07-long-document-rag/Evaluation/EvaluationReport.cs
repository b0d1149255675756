using LongDocumentRag.Answering;

namespace LongDocumentRag.Evaluation;

/// <summary>The counts of a set.</summary>
/// <param name="Results">One for each question.</param>
/// <param name="Given">Passages that a search gives the model.</param>
internal sealed record EvaluationReport(IReadOnlyList<QuestionResult> Results, int Given)
{
    public override string ToString()
    {
        var answerable = Results.Where(result => result.Question.IsAnswerable).ToList();
        var others = Results.Where(result => !result.Question.IsAnswerable).ToList();
        var answered = answerable.Where(result => result.Answer.Support != Support.NotInDocuments).ToList();
        var seconds = Results.Select(result => result.Time.TotalSeconds).Order().ToList();
        return string.Join('\n',
            $"  {answerable.Count} questions that the documents answer",
            Line("recall@1, the question searched as it is", answerable.Count(result => result.Rank == 1), answerable.Count),
            Line($"recall@{Given}", answerable.Count(result => result.Rank > 0 && result.Rank <= Given), answerable.Count),
            Line("recall@10", answerable.Count(result => result.Rank is > 0 and <= 10), answerable.Count),
            Line("the model had the evidence", answerable.Count(result => result.HadEvidence), answerable.Count),
            Line("answer has the expected words", answerable.Count(result => result.IsRight), answerable.Count),
            Line("of answers: all citations hold", answered.Count(result => result.Answer.Support == Support.Cited), answered.Count),
            Line("of answers: a citation leads to the evidence", answered.Count(result => result.CitesEvidence), answered.Count),
            $"  {others.Count} questions that they do not answer",
            Line("says so", others.Count(result => result.Answer.Support == Support.NotInDocuments), others.Count),
            Line("answers, marked as not supported", others.Count(result => result.Answer.Support == Support.None), others.Count),
            $"  {seconds.Sum():0.0} s in all, {(seconds.Count == 0 ? 0 : seconds[seconds.Count / 2]):0.00} s for a question (median)");
    }

    private static string Line(string name, int count, int all) => $"    {name,-46} {count,3} of {all,3}{(all == 0 ? "" : $" {100.0 * count / all,5:0} %")}";
}
