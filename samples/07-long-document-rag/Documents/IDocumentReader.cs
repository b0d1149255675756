namespace LongDocumentRag.Documents;

/// <summary>Reads one kind of document, part by part, so that a long one is never in memory as a whole text.</summary>
internal interface IDocumentReader
{
    /// <summary>Endings of file names, with the dot, in lower case.</summary>
    IReadOnlyList<string> Extensions { get; }

    /// <summary>Whether the file itself is read piece by piece too, so that its size does not matter.</summary>
    bool Streams { get; }

    /// <summary>The parts in reading order. Errors of any type mean that the file is not what its ending says.</summary>
    IEnumerable<DocumentPart> Read(string path);
}
