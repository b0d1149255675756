using LongDocumentRag.Store;

namespace LongDocumentRag.Retrieval;

/// <summary>One ranking out of several: a passage has 1 / (60 + rank) from each that it is in. Scores of different searches need not be comparable.</summary>
internal static class ReciprocalRankFusion
{
    // From the paper of Cormack, Clarke and Büttcher (2009): it keeps a single first place from deciding alone.
    private const double Offset = 60;

    public static IReadOnlyList<Passage> Merge(IEnumerable<IReadOnlyList<Passage>> rankings, int count) =>
        [.. rankings.SelectMany(ranking => ranking.Select((passage, i) => (Passage: passage, Score: 1 / (Offset + i + 1))))
            .GroupBy(entry => entry.Passage.Id)
            .OrderByDescending(group => group.Sum(entry => entry.Score)).ThenBy(group => group.Key)
            .Take(count).Select(group => group.First().Passage)];
}
