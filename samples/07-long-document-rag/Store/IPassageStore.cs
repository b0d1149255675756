namespace LongDocumentRag.Store;

/// <summary>Passages of one folder's documents, found by words and by embeddings. Searches and changes may run at once.</summary>
internal interface IPassageStore : IDisposable
{
    /// <summary>Names of the stored documents, each with the hash it was stored under.</summary>
    Task<IReadOnlyDictionary<string, string>> GetDocumentsAsync(CancellationToken cancellationToken);

    /// <summary>Stores a document in place of its older version: all passages or, when one fails, none.</summary>
    /// <returns>The number of passages.</returns>
    Task<int> ReplaceAsync(string document, string hash, IAsyncEnumerable<NewPassage> passages, CancellationToken cancellationToken);

    Task RemoveAsync(string document, CancellationToken cancellationToken);

    /// <summary>Passages with any of the words, best first.</summary>
    /// <param name="query">Any text; nothing in it is an operator.</param>
    /// <param name="count">Most passages.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    Task<IReadOnlyList<Passage>> SearchWordsAsync(string query, int count, CancellationToken cancellationToken);

    /// <summary>Passages whose embeddings are nearest by cosine, best first; none where none were stored.</summary>
    Task<IReadOnlyList<Passage>> SearchVectorAsync(ReadOnlyMemory<float> vector, int count, CancellationToken cancellationToken);
}
