namespace LongDocumentRag.Documents;

/// <summary>A document that cannot be read. The message says why, for the person who ingests it.</summary>
internal sealed class DocumentException(string message, Exception? cause = null) : Exception(message, cause);
