using LongDocumentRag.Answering;
using LongDocumentRag.Documents;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.SemanticKernel;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Answering;

/// <summary>Which step an answer comes from, with a model that says what it is told to.</summary>
public sealed class AnswerStepsTests : IDisposable
{
    private const string Question = "Who is the mayor?";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private async Task<(Answer Answer, List<string> Searches)> AskAsync(ScriptedChat chat, bool requireSearch = true)
    {
        using var store = new SqlitePassageStore(_folder.File("documents.db"));
        var parts = new DocumentPart[] { new("", "The mayor of Varden is Greta Holm."), new("", "A cello has strings.") };
        await store.ReplaceAsync("a.md", "h", new Embedder().EmbedAsync(parts, default), default);
        List<string> searches = [];
        var answerer = new QuestionAnswerer(new Kernel(), chat, new Retriever(store, new Embedder()), new RagOptions { RequireSearch = requireSearch });
        return (await answerer.AskAsync(Question, [], searches.Add, default), searches);
    }

    [Fact]
    public async Task Ask_FirstAnswerHolds_IsTaken()
    {
        var chat = new ScriptedChat("search: town hall", "It is \"Greta Holm\" [1].");
        var (answer, searches) = await AskAsync(chat);
        Assert.Equal((Support.Cited, "It is \"Greta Holm\" [1]."), (answer.Support, answer.Text));
        Assert.Equal(["town hall"], searches);
        Assert.Single(chat.Asked);
    }

    [Fact]
    public async Task Ask_FirstAnswerDoesNotHold_IsReadAgainFromThePassages()
    {
        var chat = new ScriptedChat("search: mayor", "search: cello", "It is \"the king\" [2].", "Greta Holm.");
        var (answer, searches) = await AskAsync(chat);
        Assert.Equal((Support.Cited, "Greta Holm. [1]"), (answer.Support, answer.Text));
        Assert.Equal(["mayor", "cello"], searches);
        Assert.Contains("[1] a.md\nThe mayor of Varden is Greta Holm.\n\n[2] a.md\nA cello has strings.", chat.Asked[1][0].Content);
        Assert.Equal(Question, chat.Asked[1][^1].Content);
    }

    [Fact]
    public async Task Search_OfABadQuery_KeepsWhatTheQuestionFinds()
    {
        using var store = new SqlitePassageStore(_folder.File("documents.db"));
        var parts = Enumerable.Range(1, 9).Select(i => new DocumentPart("", $"Cello number {i}, the cello.")).Append(new DocumentPart("", "Greta Holm is the mayor."));
        await store.ReplaceAsync("a.md", "h", new Embedder().EmbedAsync(parts, default), default);
        var plugin = new DocumentPlugin(new Retriever(store, new Embedder()), Question, 3);
        var text = await plugin.SearchAsync("the cello", default);
        Assert.StartsWith("[1] a.md\nGreta Holm is the mayor.\n\n[2] a.md\nCello number", text);
        Assert.Equal(3, plugin.Found.Count);
        Assert.StartsWith("[4] a.md\nCello number 7", await plugin.SearchAsync("7", default));
        Assert.Contains("seen already", await plugin.SearchAsync("7", default));
    }

    [Fact]
    public async Task Ask_NoSearchThoughRequired_SearchesTheQuestionItself()
    {
        var chat = new ScriptedChat("I feel like a king.", "The mayor of Varden is Greta Holm.");
        var (answer, searches) = await AskAsync(chat);
        Assert.Equal(Support.Cited, answer.Support);
        Assert.Equal([Question], searches);
    }

    [Fact]
    public async Task Ask_NoSearchWhereFree_LeavesTheAnswerUnsupported()
    {
        var chat = new ScriptedChat("Good morning!");
        var (answer, searches) = await AskAsync(chat, requireSearch: false);
        Assert.Equal((Support.None, "Good morning!"), (answer.Support, answer.Text));
        Assert.Empty(searches);
        Assert.Single(chat.Asked);
    }

    [Fact]
    public async Task Ask_ModelSaysItIsNotThere_IsBelieved()
    {
        var chat = new ScriptedChat("search: king", "The text does not say.");
        Assert.Equal(Support.NotInDocuments, (await AskAsync(chat)).Answer.Support);
        Assert.Single(chat.Asked);
    }
}
