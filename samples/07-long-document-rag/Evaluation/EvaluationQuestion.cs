using System.Text.Json;

namespace LongDocumentRag.Evaluation;

/// <summary>A question with what is known about it.</summary>
/// <param name="Question">In words.</param>
/// <param name="Document">The document that answers it; null where none does.</param>
/// <param name="Evidence">Words of that document that answer it, within one sentence.</param>
/// <param name="Answer">Words that a right answer has.</param>
internal sealed record EvaluationQuestion(string Question, string? Document = null, string? Evidence = null, string? Answer = null)
{
    /// <summary>The file beside the documents of a set.</summary>
    public const string FileName = "questions.json";

    public bool IsAnswerable => Document is not null;

    /// <exception cref="IOException">The folder has no such file.</exception>
    /// <exception cref="JsonException">It is no list of questions.</exception>
    public static IReadOnlyList<EvaluationQuestion> Load(string folder) =>
        JsonSerializer.Deserialize<List<EvaluationQuestion>>(File.ReadAllText(Path.Combine(folder, FileName)), JsonSerializerOptions.Web)!;
}
