namespace LongDocumentRag.Store;

/// <summary>A stored passage.</summary>
/// <param name="Id">Unique in its store.</param>
/// <param name="Document">Path of the document, from the ingested folder, with forward slashes.</param>
/// <param name="Place">Page, headings or line.</param>
/// <param name="Text">Its words, on one line.</param>
internal sealed record Passage(long Id, string Document, string Place, string Text)
{
    /// <summary>Document and place, for people.</summary>
    public string Source => Place.Length == 0 ? Document : $"{Document}, {Place}";
}
