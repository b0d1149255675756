using LongDocumentRag.Store;

namespace LongDocumentRag.Retrieval;

/// <summary>Searches by words and, with an embedding model, by meaning, and merges what was found.</summary>
internal sealed class Retriever(IPassageStore store, Embedder embedder)
{
    // Deep enough for a passage that is good in two rankings and first in none.
    private const int Depth = 50;

    /// <param name="queries">One question in several wordings; each has the same weight.</param>
    /// <param name="count">Most passages.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<IReadOnlyList<Passage>> SearchAsync(IEnumerable<string> queries, int count, CancellationToken cancellationToken)
    {
        List<IReadOnlyList<Passage>> rankings = [];
        foreach (var query in queries.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            rankings.Add(await store.SearchWordsAsync(query, Math.Max(count, Depth), cancellationToken));
            if (embedder.IsOn) rankings.Add(await store.SearchVectorAsync(await embedder.EmbedQueryAsync(query, cancellationToken), Math.Max(count, Depth), cancellationToken));
        }
        return ReciprocalRankFusion.Merge(rankings, count);
    }
}
