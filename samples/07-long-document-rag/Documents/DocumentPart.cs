namespace LongDocumentRag.Documents;

/// <summary>A stretch of a document's text and where it stands: a page, a path of headings, a line.</summary>
internal readonly record struct DocumentPart(string Place, string Text);
