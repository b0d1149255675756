using System.Security.Cryptography;
using LongDocumentRag.Documents;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;

namespace LongDocumentRag.Ingestion;

/// <summary>Brings a store into step with a folder: new and changed documents are read, unchanged ones are not, those that are gone are removed.</summary>
internal sealed class Ingestor(IPassageStore store, DocumentReaders readers, Embedder embedder, RagOptions options)
{
    private const int PassagesBetweenReports = 100;

    private static readonly EnumerationOptions s_everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint };

    /// <summary>Reads a folder; reports each document's end, and how far long ones are.</summary>
    /// <remarks>A document that cannot be read is reported and skipped; an older version of it stays. One that fails, or is interrupted, leaves nothing half done.</remarks>
    public async Task IngestAsync(string folder, Action<DocumentProgress> report, CancellationToken cancellationToken)
    {
        var stored = await store.GetDocumentsAsync(cancellationToken);
        string[] files = [.. Directory.EnumerateFiles(folder, "*", s_everything).Where(readers.CanRead).Order(StringComparer.Ordinal)];
        var gone = stored.Keys.ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < files.Length; i++)
        {
            var name = Path.GetRelativePath(folder, files[i]).Replace('\\', '/');
            gone.Remove(name);
            var document = new DocumentProgress(name, DocumentState.Reading, i + 1, files.Length);
            report(await IngestAsync(files[i], document, stored.GetValueOrDefault(name), report, cancellationToken));
        }
        foreach (var name in gone.Order(StringComparer.Ordinal))
        {
            await store.RemoveAsync(name, cancellationToken);
            report(new DocumentProgress(name, DocumentState.Removed, files.Length, files.Length));
        }
    }

    private async Task<DocumentProgress> IngestAsync(
        string path, DocumentProgress document, string? storedHash, Action<DocumentProgress> report, CancellationToken cancellationToken)
    {
        try
        {
            var hash = await HashAsync(path, cancellationToken);
            if (hash == storedHash) return document with { State = DocumentState.Unchanged };
            var passages = Counted(new PassageCutter(options.PassageWords).Cut(readers.Read(path)), count => report(document with { Passages = count }));
            var stored = await store.ReplaceAsync(document.Document, hash, embedder.EmbedAsync(passages, cancellationToken), cancellationToken);
            return document with { State = storedHash is null ? DocumentState.Added : DocumentState.Changed, Passages = stored };
        }
        catch (Exception e) when (e is DocumentException or IOException or UnauthorizedAccessException)
        {
            return document with { State = DocumentState.Failed, Error = e.Message };
        }
    }

    private static IEnumerable<DocumentPart> Counted(IEnumerable<DocumentPart> passages, Action<int> report)
    {
        var count = 0;
        foreach (var passage in passages)
        {
            yield return passage;
            if (++count % PassagesBetweenReports == 0) report(count);
        }
        if (count == 0) throw new DocumentException("holds no text. Scanned pages need text recognition first.");
    }

    /// <summary>Of the content, and of all else that decides what is stored.</summary>
    private async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(path);
        return $"{Convert.ToHexString(await SHA256.HashDataAsync(file, cancellationToken))} {options.PassageWords} {embedder.ModelId}";
    }
}
