using System.Diagnostics;
using LongDocumentRag.Answering;
using LongDocumentRag.Documents;

namespace LongDocumentRag.Commands;

/// <summary><c>read FILE</c>: the whole document before the model, and questions about it line by line.</summary>
internal sealed class ReadCommand(QuestionAnswerer answerer, DocumentReaders readers, RagOptions options)
{
    public async Task<int> RunAsync(FileInfo file, CancellationToken cancellationToken)
    {
        var document = WholeDocument.Open(file.FullName, answerer, readers, options);
        Console.WriteLine($"{file.Name}: {document.Passages} passages. The first question reads them, the others find them in the prefix cache. An empty line ends.");
        while (await Questions.NextAsync(cancellationToken) is { } question)
        {
            var watch = Stopwatch.StartNew();
            var answer = await document.AskAsync(question, cancellationToken);
            Console.WriteLine(AnswerText.Of(answer));
            Console.WriteLine($"  ({answer.Prompt.Total} tokens of prompt, {answer.Prompt.Cached} of them from the cache, {watch.Elapsed.TotalSeconds:0.00} s)");
        }
        return 0;
    }
}
