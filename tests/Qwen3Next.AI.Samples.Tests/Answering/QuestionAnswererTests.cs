using LongDocumentRag.Answering;
using LongDocumentRag.Ingestion;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Answering;

/// <summary>The whole way, from files to a checked answer of a computed model.</summary>
[Collection(nameof(TinyModel))]
public sealed class QuestionAnswererTests : IDisposable
{
    private readonly TemporaryFolder _folder = new(), _database = new();
    private readonly SqlitePassageStore _store;
    private readonly TinyModel _model;

    public QuestionAnswererTests(TinyModel model)
    {
        _model = model;
        _store = new SqlitePassageStore(_database.File("documents.db"));
        File.WriteAllBytes(_folder.File("town.pdf"), TestPdf.Of("Nothing is said on the title page.", "Varden lies on the river Ister. The mayor of Varden is Greta Holm."));
        File.WriteAllText(_folder.File("people.md"), "# People\nHugo Brand works as a clockmaker. Hugo Brand plays the cello.");
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
        _database.Dispose();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<QuestionAnswerer> IngestedAsync()
    {
        await new Ingestor(_store, _model.Readers, new Embedder(), _model.Options).IngestAsync(_folder.Path, _ => { }, Cancel);
        return _model.Answerer(new Retriever(_store, new Embedder()));
    }

    [Fact]
    public async Task Ask_QuestionOfTheDocuments_SearchesByItselfAndCitesThePage()
    {
        List<string> searches = [];
        var answer = await (await IngestedAsync()).AskAsync("Who is the mayor of Varden?", [], searches.Add, Cancel);
        Assert.Single(searches);
        Assert.Equal(Support.Cited, answer.Support);
        Assert.Contains("Greta Holm", answer.Text);
        Assert.Equal("town.pdf, page 2", Assert.Single(answer.Citations).Passage!.Source);
    }

    [Fact]
    public async Task Ask_QuestionOfNoDocument_SaysSo()
    {
        var answerer = await IngestedAsync();
        Assert.Equal(Support.NotInDocuments, (await answerer.AskAsync("What is the pet of Hugo Brand called?", [], null, Cancel)).Support);
        await _store.RemoveAsync("town.pdf", Cancel);
        await _store.RemoveAsync("people.md", Cancel);
        var empty = await answerer.AskAsync("Who is the mayor of Varden?", [], null, Cancel);
        Assert.NotEqual(Support.Cited, empty.Support);
        Assert.Empty(empty.Passages);
    }

    [Fact]
    public async Task Ask_InAConversation_SeesItAndLeavesItAlone()
    {
        List<ChatMessageContent> conversation = [new(AuthorRole.User, "Who is the mayor of Varden?"), new(AuthorRole.Assistant, "The mayor of Varden is Greta Holm. [1]")];
        var answer = await (await IngestedAsync()).AskAsync("What is the job of Hugo Brand?", conversation, null, Cancel);
        Assert.Equal((Support.Cited, 2), (answer.Support, conversation.Count));
        Assert.Contains("clockmaker", answer.Text);
        Assert.True(answer.Prompt.Total > 0);
    }

    [Fact]
    public async Task WholeDocument_SecondQuestion_ReadsTheDocumentFromTheCache()
    {
        var document = WholeDocument.Open(_folder.File("town.pdf"), await IngestedAsync(), _model.Readers, _model.Options);
        await document.AskAsync("On which river does Varden lie?", Cancel);
        var second = await document.AskAsync("Who is the mayor of Varden?", Cancel);
        Assert.Equal(Support.Cited, second.Support);
        Assert.Equal("town.pdf, page 2", Assert.Single(second.Citations).Passage!.Source);
        Assert.InRange(second.Prompt.Cached, second.Prompt.Total * 3 / 4, second.Prompt.Total - 1);
    }

    [Fact]
    public async Task WholeDocument_TooLong_IsRefusedTyped()
    {
        File.WriteAllText(_folder.File("long.txt"), string.Concat(Enumerable.Range(0, 3000).Select(i => $"word{i} ")));
        var document = WholeDocument.Open(_folder.File("long.txt"), await IngestedAsync(), _model.Readers, _model.Options);
        await Assert.ThrowsAsync<ContextLengthExceededException>(() => document.AskAsync("Who?", Cancel));
    }
}
