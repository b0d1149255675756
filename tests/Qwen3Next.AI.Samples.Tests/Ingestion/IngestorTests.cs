using LongDocumentRag.Documents;
using LongDocumentRag.Ingestion;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Ingestion;

public sealed class IngestorTests : IDisposable
{
    private readonly TemporaryFolder _documents = new(), _database = new();
    private readonly SqlitePassageStore _store;

    public IngestorTests() => _store = new SqlitePassageStore(_database.File("documents.db"));

    public void Dispose()
    {
        _store.Dispose();
        _documents.Dispose();
        _database.Dispose();
    }

    private async Task<List<DocumentProgress>> IngestAsync(Embedder? embedder = null, int passageWords = 60)
    {
        var ingestor = new Ingestor(_store, new DocumentReaders(1), embedder ?? new Embedder(), new RagOptions { PassageWords = passageWords });
        List<DocumentProgress> reports = [];
        await ingestor.IngestAsync(_documents.Path, reports.Add, TestContext.Current.CancellationToken);
        return reports;
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_documents.File(name))!);
        File.WriteAllText(_documents.File(name), text);
    }

    private static string[] Ends(IEnumerable<DocumentProgress> reports) => [.. reports.Select(report => $"{report.Document} {report.State}")];

    private async Task<string[]> FindAsync(string query) => [.. (await _store.SearchWordsAsync(query, 10, TestContext.Current.CancellationToken)).Select(passage => passage.Source)];

    [Fact]
    public async Task Ingest_Again_ReadsOnlyWhatChanged()
    {
        Write("a.md", "# One\nA cat.");
        Write("sub/b.txt", "A dog.");
        Write("c.html", "<p>A bird.</p>");
        Write("d.docx", "not read");
        File.WriteAllBytes(_documents.File("e.pdf"), TestPdf.Of("A fish.", "A whale."));
        Assert.Equal(["a.md Added", "c.html Added", "e.pdf Added", "sub/b.txt Added"], Ends(await IngestAsync()));
        Assert.Equal(["e.pdf, page 2"], await FindAsync("whale"));

        Write("a.md", "# One\nA horse.");
        File.Delete(_documents.File("sub/b.txt"));
        Write("f.txt", "A snail.");
        File.SetLastWriteTimeUtc(_documents.File("c.html"), DateTime.UtcNow.AddDays(1));
        Assert.Equal(["a.md Changed", "c.html Unchanged", "e.pdf Unchanged", "f.txt Added", "sub/b.txt Removed"], Ends(await IngestAsync()));
        Assert.Equal(["a.md, One"], await FindAsync("horse"));
        Assert.Empty(await FindAsync("cat dog"));
        Assert.All(await IngestAsync(), report => Assert.Equal(DocumentState.Unchanged, report.State));
    }

    [Fact]
    public async Task Ingest_OtherPassageLengthOrModel_ReadsAnew()
    {
        Write("a.md", "A cat. A dog.");
        using var embeddings = new FakeEmbeddings(["cat"]);
        Assert.Equal(["a.md Added"], Ends(await IngestAsync()));
        Assert.Equal(["a.md Changed"], Ends(await IngestAsync(passageWords: 20)));
        Assert.Equal(["a.md Changed"], Ends(await IngestAsync(new Embedder(embeddings), passageWords: 20)));
        Assert.Equal(["a.md Unchanged"], Ends(await IngestAsync(new Embedder(embeddings), passageWords: 20)));
        Assert.Equal(1, embeddings.Calls);
    }

    [Fact]
    public async Task Ingest_DamagedFiles_AreReportedAndSkipped()
    {
        var scan = TestPdf.Of("", "");
        File.WriteAllBytes(_documents.File("cut.pdf"), scan[..(scan.Length / 2)]);
        File.WriteAllBytes(_documents.File("scan.pdf"), scan);
        Write("empty.md", "");
        Write("good.md", "A cat.");
        var reports = await IngestAsync();
        Assert.Equal(["cut.pdf Failed", "empty.md Failed", "good.md Added", "scan.pdf Failed"], Ends(reports));
        Assert.Contains("cannot be read", reports[0].Error);
        Assert.Contains("text recognition", reports[3].Error);
        Assert.Equal(["good.md"], await FindAsync("cat"));
    }

    [Fact]
    public async Task Ingest_FileThatBreaksLater_KeepsItsLastGoodVersion()
    {
        Write("a.txt", "A cat.");
        await IngestAsync();
        Write("a.txt", "A do\0g.");
        Assert.Equal(["a.txt Failed"], Ends(await IngestAsync()));
        Assert.Equal(["a.txt, line 1"], await FindAsync("cat"));
        Write("a.txt", "A dog.");
        Assert.Equal(["a.txt Changed"], Ends(await IngestAsync()));
    }

    [Fact]
    public async Task Ingest_LongDocument_ReportsOnTheWay()
    {
        Write("long.txt", string.Concat(Enumerable.Range(0, 250).Select(i => $"Paragraph {i} speaks.\n\n")));
        var reports = await IngestAsync();
        Assert.Equal([(DocumentState.Reading, 100), (DocumentState.Reading, 200), (DocumentState.Added, 250)], reports.Select(report => (report.State, report.Passages)));
    }

    [Fact]
    public async Task Ingest_Cancelled_StoresNothingOfTheDocument()
    {
        Write("a.txt", string.Concat(Enumerable.Range(0, 300).Select(i => $"Paragraph {i} speaks.\n\n")));
        using var source = new CancellationTokenSource();
        var ingestor = new Ingestor(_store, new DocumentReaders(1), new Embedder(), new RagOptions());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ingestor.IngestAsync(_documents.Path, _ => source.Cancel(), source.Token));
        Assert.Empty(await FindAsync("speaks"));
        Assert.Equal(["a.txt Added"], Ends((await IngestAsync()).Where(report => report.State != DocumentState.Reading)));
    }
}
