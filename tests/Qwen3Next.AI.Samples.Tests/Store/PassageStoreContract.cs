using LongDocumentRag.Documents;
using LongDocumentRag.Store;
using Xunit;

namespace LongDocumentRag.Tests.Store;

/// <summary>What every store does; one derived class for each.</summary>
public abstract class PassageStoreContract
{
    private protected static readonly FakeEmbeddings Embeddings = new(["sea", "ocean"], ["mountain", "hill"], ["car"]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>An empty store; skips the test where there can be none.</summary>
    private protected abstract IPassageStore Open(bool withVectors = false);

    private static async IAsyncEnumerable<NewPassage> Passages(bool withVectors, params string[] texts)
    {
        foreach (var text in texts)
        {
            await Task.Yield();
            yield return new NewPassage(new DocumentPart("page 1", text), withVectors ? Embeddings.Of(text) : default(ReadOnlyMemory<float>?));
        }
    }

    private static async IAsyncEnumerable<NewPassage> Broken()
    {
        yield return new NewPassage(new DocumentPart("page 1", "half of it"), null);
        await Task.Yield();
        throw new DocumentException("damaged");
    }

    private static async Task<string[]> WordsAsync(IPassageStore store, string query, int count = 10) =>
        [.. (await store.SearchWordsAsync(query, count, Cancel)).Select(passage => passage.Text)];

    [Fact]
    public async Task SearchWords_SomeOfTheWords_RanksByThem()
    {
        using var store = Open();
        Assert.Equal(4, await store.ReplaceAsync("a.md", "h", Passages(false, "The cat sleeps.", "Dogs and cats run over the green hill.", "Nothing here.", "A green, green hill."), Cancel));
        Assert.Equal("A green, green hill.", (await WordsAsync(store, "Which hill is green?"))[0]);
        Assert.Equal(["Dogs and cats run over the green hill."], await WordsAsync(store, "running"));
        Assert.Single(await WordsAsync(store, "cat hill green", count: 1));
        Assert.Empty(await WordsAsync(store, "zebra"));
        var passage = Assert.Single(await store.SearchWordsAsync("sleep", 5, Cancel));
        Assert.Equal(("a.md", "page 1", "The cat sleeps."), (passage.Document, passage.Place, passage.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?!\"'")]
    [InlineData("cat OR \"")]
    [InlineData("cat' ; DROP TABLE passage; --")]
    [InlineData("NEAR(cat AND NOT (cat* ^cat : -cat")]
    [InlineData("or or or")]
    [InlineData("text:cat {place text}:cat")]
    public async Task SearchWords_AnyQuery_IsTextAlone(string query)
    {
        using var store = Open();
        await store.ReplaceAsync("a.md", "h", Passages(false, "The cat sleeps."), Cancel);
        Assert.Equal(query.Contains("cat", StringComparison.Ordinal) ? 1 : 0, (await WordsAsync(store, query)).Length);
    }

    [Fact]
    public async Task Replace_NewVersion_LeavesNothingOfTheOld()
    {
        using var store = Open();
        await store.ReplaceAsync("a.md", "1", Passages(false, "An old thing.", "Another old thing."), Cancel);
        await store.ReplaceAsync("b.md", "1", Passages(false, "A blue thing."), Cancel);
        await store.ReplaceAsync("a.md", "2", Passages(false, "A new thing."), Cancel);
        Assert.Equal(["A blue thing.", "A new thing."], (await WordsAsync(store, "thing")).Order());
        Assert.Empty(await WordsAsync(store, "old"));
        Assert.Equal(new Dictionary<string, string> { ["a.md"] = "2", ["b.md"] = "1" }, await store.GetDocumentsAsync(Cancel));
    }

    [Fact]
    public async Task Replace_FailingHalfway_KeepsTheOldVersion()
    {
        using var store = Open();
        await store.ReplaceAsync("a.md", "1", Passages(false, "An old thing."), Cancel);
        await Assert.ThrowsAsync<DocumentException>(() => store.ReplaceAsync("a.md", "2", Broken(), Cancel));
        Assert.Equal(["An old thing."], await WordsAsync(store, "thing half"));
        Assert.Equal("1", (await store.GetDocumentsAsync(Cancel))["a.md"]);
    }

    [Fact]
    public async Task Remove_Document_TakesItsPassagesAlong()
    {
        using var store = Open();
        await store.ReplaceAsync("a.md", "1", Passages(false, "A thing."), Cancel);
        await store.RemoveAsync("a.md", Cancel);
        await store.RemoveAsync("never.md", Cancel);
        Assert.Empty(await WordsAsync(store, "thing"));
        Assert.Empty(await store.GetDocumentsAsync(Cancel));
    }

    [Fact]
    public async Task SearchVector_Nearest_ComesFirst()
    {
        using var store = Open(withVectors: true);
        Assert.Empty(await store.SearchVectorAsync(Embeddings.Of("sea"), 2, Cancel));
        await store.ReplaceAsync("a.md", "h", Passages(true, "The car.", "The mountain.", "The ocean.", "A car by the sea."), Cancel);
        var found = await store.SearchVectorAsync(Embeddings.Of("sea"), 2, Cancel);
        Assert.Equal(["The ocean.", "A car by the sea."], found.Select(passage => passage.Text));
        await store.RemoveAsync("a.md", Cancel);
        Assert.Empty(await store.SearchVectorAsync(Embeddings.Of("sea"), 2, Cancel));
    }
}
