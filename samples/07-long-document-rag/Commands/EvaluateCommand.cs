using LongDocumentRag.Evaluation;

namespace LongDocumentRag.Commands;

/// <summary><c>evaluate [FOLDER]</c>: asks prepared questions and counts.</summary>
internal sealed class EvaluateCommand(EvaluationRun run)
{
    private static readonly string s_sets = Path.Combine(AppContext.BaseDirectory, "evaluation");

    public async Task<int> RunAsync(DirectoryInfo? folder, bool show, CancellationToken cancellationToken)
    {
        string[] sets = folder is null ? [.. Directory.GetDirectories(s_sets).Order(StringComparer.Ordinal)] : [folder.FullName];
        foreach (var set in sets)
        {
            var report = await run.RunAsync(set, cancellationToken);
            if (show) foreach (var result in report.Results) Console.WriteLine($"> {result.Question.Question}\n{AnswerText.Of(result.Answer)}");
            Console.WriteLine($"\n{Path.GetFileName(set)}\n{report}");
        }
        return 0;
    }
}
