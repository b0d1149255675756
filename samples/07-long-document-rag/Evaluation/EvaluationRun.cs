using System.Diagnostics;
using LongDocumentRag.Answering;
using LongDocumentRag.Documents;
using LongDocumentRag.Ingestion;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LongDocumentRag.Evaluation;

/// <summary>Reads a folder into a database of its own and asks the questions that lie beside its documents.</summary>
internal sealed class EvaluationRun(Kernel kernel, IChatCompletionService chat, Embedder embedder, DocumentReaders readers, RagOptions options)
{
    private const int SearchDepth = 50;

    /// <exception cref="DocumentException">A document of the set cannot be read: its figures would mean nothing.</exception>
    public async Task<EvaluationReport> RunAsync(string folder, CancellationToken cancellationToken)
    {
        var questions = EvaluationQuestion.Load(folder);
        var database = Directory.CreateTempSubdirectory("evaluation-");
        try
        {
            using var store = new SqlitePassageStore(Path.Combine(database.FullName, "documents.db"));
            await new Ingestor(store, readers, embedder, options).IngestAsync(folder, RefuseFailures, cancellationToken);
            var retriever = new Retriever(store, embedder);
            var answerer = new QuestionAnswerer(kernel, chat, retriever, options);
            List<QuestionResult> results = [];
            foreach (var question in questions) results.Add(await AskAsync(question, retriever, answerer, cancellationToken));
            return new EvaluationReport(results, options.Passages);
        }
        finally
        {
            database.Delete(recursive: true);
        }
    }

    private static async Task<QuestionResult> AskAsync(EvaluationQuestion question, Retriever retriever, QuestionAnswerer answerer, CancellationToken cancellationToken)
    {
        var ranking = await retriever.SearchAsync(question.Question, SearchDepth, cancellationToken);
        var watch = Stopwatch.StartNew();
        var answer = await answerer.AskAsync(question.Question, [], searched: null, cancellationToken);
        var result = new QuestionResult(question, 0, answer, watch.Elapsed);
        return result with { Rank = ranking.TakeWhile(passage => !result.HasEvidence(passage)).Count() is var before && before < ranking.Count ? before + 1 : 0 };
    }

    private static void RefuseFailures(DocumentProgress progress)
    {
        if (progress.State == DocumentState.Failed) throw new DocumentException($"{progress.Document}: {progress.Error}");
    }
}
