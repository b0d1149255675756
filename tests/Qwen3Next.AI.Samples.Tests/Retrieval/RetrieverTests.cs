using LongDocumentRag.Documents;
using LongDocumentRag.Ingestion;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Qwen3Next.AI;
using Qwen3Next.AI.Tests;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace LongDocumentRag.Tests.Retrieval;

public sealed class RetrieverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static List<Passage> Ranking(params long[] ids) => [.. ids.Select(id => new Passage(id, "a", "", ""))];

    private static IEnumerable<long> Merge(int count, params List<Passage>[] rankings) => ReciprocalRankFusion.Merge(rankings, count).Select(passage => passage.Id);

    [Fact]
    public void Merge_Rankings_PrefersWhatSeveralHave()
    {
        Assert.Equal([2, 1, 4, 3], Merge(9, Ranking(1, 2, 3), Ranking(2, 4)));
        Assert.Equal([1, 2], Merge(2, Ranking(1, 2, 3)));
        Assert.Empty(Merge(3));
        Assert.Equal([5, 7], Merge(9, Ranking(7), Ranking(5))); // equal scores: the older passage
    }

    private async Task<string[]> SearchAsync(Embedder embedder, string query)
    {
        File.WriteAllText(_folder.File("a.txt"), "The ocean is wide.\n\nThe hill is steep.\n\nA sea story by a hill.\n\nThe car is red.");
        using var store = new SqlitePassageStore(_folder.File("documents.db"));
        await new Ingestor(store, new DocumentReaders(1), embedder, new RagOptions()).IngestAsync(_folder.Path, _ => { }, Cancel);
        return [.. (await new Retriever(store, embedder).SearchAsync(query, 2, Cancel)).Select(passage => passage.Text)];
    }

    [Fact]
    public async Task Search_WithEmbeddings_FindsWhatSharesNoWord()
    {
        using var embeddings = new FakeEmbeddings(["sea", "ocean", "Atlantic"], ["hill"], ["car"]);
        Assert.Empty(await SearchAsync(new Embedder(), "Atlantic"));
        Assert.Equal("The ocean is wide.", (await SearchAsync(new Embedder(embeddings), "Atlantic"))[0]);
        Assert.Equal("A sea story by a hill.", (await SearchAsync(new Embedder(embeddings), "sea story"))[0]);
    }

    /// <summary>The library's own generator; the bundled model is no embedding model, but the same text lies nearest to itself in any.</summary>
    [Fact]
    public async Task Search_EmbeddingsOfTheLibrary_AreStoredAndCompared()
    {
        using var generator = new Qwen3NextEmbeddingGenerator(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, MaxContextTokens = 256 });
        var embedder = new Embedder(generator);
        using var store = new SqlitePassageStore(_folder.File("documents.db"));
        File.WriteAllText(_folder.File("a.txt"), "The ocean is wide.\n\nThe hill is steep.\n\nThe car is red.");
        await new Ingestor(store, new DocumentReaders(1), embedder, new RagOptions()).IngestAsync(_folder.Path, _ => { }, Cancel);
        var vector = (await generator.GenerateAsync(["The hill is steep."], cancellationToken: Cancel))[0].Vector;
        Assert.Equal("The hill is steep.", (await store.SearchVectorAsync(vector, 3, Cancel))[0].Text);
        Assert.Equal(3, (await store.SearchVectorAsync(await embedder.EmbedQueryAsync("hill", Cancel), 9, Cancel)).Count);
    }
}
