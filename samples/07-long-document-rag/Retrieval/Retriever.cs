using LongDocumentRag.Store;

namespace LongDocumentRag.Retrieval;

/// <summary>Searches by words and, with an embedding model, by meaning, and merges what was found.</summary>
internal sealed class Retriever(IPassageStore store, Embedder embedder)
{
    // Deep enough for a passage that is good in two rankings and first in none.
    private const int Depth = 50;

    /// <param name="query">In words.</param>
    /// <param name="count">Most passages, best first.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<IReadOnlyList<Passage>> SearchAsync(string query, int count, CancellationToken cancellationToken)
    {
        var depth = Math.Max(count, Depth);
        List<IReadOnlyList<Passage>> rankings = [await store.SearchWordsAsync(query, depth, cancellationToken)];
        if (embedder.IsOn) rankings.Add(await store.SearchVectorAsync(await embedder.EmbedQueryAsync(query, cancellationToken), depth, cancellationToken));
        return ReciprocalRankFusion.Merge(rankings, count);
    }
}
