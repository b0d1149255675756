namespace LongDocumentRag.Documents;

/// <summary>Chooses a reader by a file's ending, and says in one way what is wrong with a file.</summary>
internal sealed class DocumentReaders(int maxFileMegabytes)
{
    private readonly IDocumentReader[] _readers =
        [new PdfDocumentReader(), new MarkdownDocumentReader(), new HtmlDocumentReader(patience: TimeSpan.FromSeconds(20)), new TextDocumentReader()];

    public bool CanRead(string path) => Find(path) is not null;

    /// <summary>The parts of a document.</summary>
    /// <exception cref="DocumentException">While reading: its ending is unknown, or its content is damaged, encrypted or too large.</exception>
    public IEnumerable<DocumentPart> Read(string path)
    {
        var reader = Find(path) ?? throw new DocumentException($"'{Path.GetExtension(path)}' is not read; {string.Join(' ', _readers.SelectMany(r => r.Extensions))} are.");
        var megabytes = new FileInfo(path).Length >> 20;
        if (!reader.Streams && megabytes >= maxFileMegabytes)
            throw new DocumentException($"{megabytes} MB are too large, {maxFileMegabytes} are allowed. Split the file, or raise Rag:MaxFileMegabytes.");
        return Guarded(reader.Read(path));
    }

    // Parsers fail on damaged files with whatever exception comes first; all of them mean the same to us.
    private static IEnumerable<DocumentPart> Guarded(IEnumerable<DocumentPart> parts)
    {
        using var next = parts.GetEnumerator();
        while (true)
        {
            try
            {
                if (!next.MoveNext()) yield break;
            }
            catch (Exception e) when (e is not (DocumentException or OutOfMemoryException))
            {
                throw new DocumentException($"cannot be read: {e.Message}", e);
            }
            yield return next.Current;
        }
    }

    private IDocumentReader? Find(string path) =>
        _readers.FirstOrDefault(reader => reader.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase));
}
