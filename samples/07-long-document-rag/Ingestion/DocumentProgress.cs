namespace LongDocumentRag.Ingestion;

/// <summary>What became of a document, or is about to.</summary>
internal enum DocumentState
{
    Reading,
    Added,
    Changed,
    Unchanged,
    Removed,
    Failed,
}

/// <summary>One report of an ingest.</summary>
/// <param name="Document">Path from the folder.</param>
/// <param name="State">How far it is.</param>
/// <param name="Number">Which document it is, from 1.</param>
/// <param name="Count">Documents in the folder.</param>
/// <param name="Passages">Passages so far.</param>
/// <param name="Error">Why it failed, else null.</param>
internal readonly record struct DocumentProgress(string Document, DocumentState State, int Number, int Count, int Passages = 0, string? Error = null);
