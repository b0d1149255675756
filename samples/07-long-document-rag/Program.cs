// Answers questions about your documents with citations that are checked: passages found by a plugin that the model calls itself, or one whole document
// kept in the prefix cache. README.md says how.
using System.CommandLine;
using System.Data.Common;
using LongDocumentRag;
using LongDocumentRag.Commands;
using LongDocumentRag.Documents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Qwen3Next.AI;

using var host = RagServices.Build();
var services = host.Services;

var documents = new Argument<DirectoryInfo>("folder") { Description = "PDF, Markdown, HTML and text files, subfolders included." }.AcceptExistingOnly();
var ingest = new Command("ingest", "Reads a folder's new and changed documents, and forgets those that are gone.") { documents };
ingest.SetAction((parsed, cancel) => services.GetRequiredService<IngestCommand>().RunAsync(parsed.GetRequiredValue(documents), cancel));

var question = new Argument<string>("question");
var ask = new Command("ask", "Answers one question from the ingested documents.") { question };
ask.SetAction((parsed, cancel) => services.GetRequiredService<AskCommand>().AskAsync(parsed.GetRequiredValue(question), cancel));

var chat = new Command("chat", "Answers questions line by line, with the conversation in mind.");
chat.SetAction((_, cancel) => services.GetRequiredService<AskCommand>().ChatAsync(cancel));

var file = new Argument<FileInfo>("file").AcceptExistingOnly();
var read = new Command("read", "Reads one document whole, once, and answers questions about it line by line.") { file };
read.SetAction((parsed, cancel) => services.GetRequiredService<ReadCommand>().RunAsync(parsed.GetRequiredValue(file), cancel));

var set = new Argument<DirectoryInfo>("folder") { Description = "Documents with a questions.json. Default: the bundled sets.", Arity = ArgumentArity.ZeroOrOne }.AcceptExistingOnly();
var show = new Option<bool>("--show") { Description = "Show each question and answer." };
var evaluate = new Command("evaluate", "Asks prepared questions and counts what was found, answered and cited.") { set, show };
evaluate.SetAction((parsed, cancel) => services.GetRequiredService<EvaluateCommand>().RunAsync(parsed.GetValue(set), parsed.GetValue(show), cancel));

try
{
    var root = new RootCommand("Answers questions about documents.") { ingest, ask, chat, read, evaluate };
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
// A setting of the wrong type is an InvalidOperationException.
catch (Exception e) when (e is Qwen3NextException or DocumentException or DbException or OptionsValidationException or InvalidOperationException or IOException
    or UnauthorizedAccessException or OperationCanceledException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
