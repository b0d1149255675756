using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>
/// Joins the bytes of a word into tokens: the pair of lowest rank first, the leftmost where ranks are equal. A word of n bytes costs
/// n log n, whatever it holds. May be used by many threads at once.
/// </summary>
internal sealed class BytePairEncoder
{
    private const int LongestCachedWord = 24;
    private const int CacheSize = 1 << 16;

    private readonly int[] _byteIds;
    private readonly Dictionary<long, Merge> _merges;

    // A slot holds the last word that fell on it. Entries are immutable and replaced whole, so readers need no lock.
    private readonly CachedWord?[] _cache = new CachedWord?[CacheSize];

    /// <summary>Creates an encoder from the id of each byte and the ranked merges.</summary>
    public BytePairEncoder(int[] byteIds, Dictionary<long, Merge> merges)
    {
        _byteIds = byteIds;
        _merges = merges;
    }

    /// <summary>What a pair of tokens becomes, and how early.</summary>
    public readonly record struct Merge(int Rank, int Id);

    private sealed record CachedWord(string Word, int[] Ids);

    public static long PairOf(int left, int right) => ((long)left << 32) | (uint)right;

    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > LongestCachedWord)
        {
            Join(word, ids);
            return;
        }
        ref var slot = ref _cache[string.GetHashCode(word) & (CacheSize - 1)];
        var cached = slot;
        if (cached is not null && word.SequenceEqual(cached.Word))
        {
            ids.AddRange(cached.Ids);
            return;
        }
        var before = ids.Count;
        Join(word, ids);
        slot = new CachedWord(word.ToString(), [.. ids[before..]]);
    }

    private void Join(ReadOnlySpan<char> word, List<int> ids)
    {
        var symbols = new Symbols(word, _byteIds);
        var queue = new PriorityQueue<int, long>(symbols.Count);
        for (var at = 0; at < symbols.Count - 1; at++) Offer(symbols, at, queue);

        while (queue.TryDequeue(out var at, out var priority))
        {
            // A pair whose sides have changed since it was offered is either gone or was offered anew with its new rank.
            if (!TryMerge(symbols, at, out var merge) || Priority(merge.Rank, at) != priority) continue;
            symbols.Join(at, merge.Id);
            Offer(symbols, at, queue);
            if (symbols.Previous[at] >= 0) Offer(symbols, symbols.Previous[at], queue);
        }
        for (var at = 0; at < symbols.Count; at = symbols.Next[at]) ids.Add(symbols.Ids[at]);
    }

    private void Offer(Symbols symbols, int at, PriorityQueue<int, long> queue)
    {
        if (TryMerge(symbols, at, out var merge)) queue.Enqueue(at, Priority(merge.Rank, at));
    }

    private bool TryMerge(Symbols symbols, int at, out Merge merge)
    {
        merge = default;
        var right = symbols.Next[at];
        return symbols.Ids[at] >= 0 && right < symbols.Count && _merges.TryGetValue(PairOf(symbols.Ids[at], symbols.Ids[right]), out merge);
    }

    private static long Priority(int rank, int at) => ((long)rank << 32) | (uint)at;

    /// <summary>The tokens of a word as a linked list, so that joining two costs the same anywhere.</summary>
    private sealed class Symbols
    {
        public readonly int Count;
        public readonly int[] Ids;
        public readonly int[] Next;
        public readonly int[] Previous;

        public Symbols(ReadOnlySpan<char> word, int[] byteIds)
        {
            var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
            Count = Encoding.UTF8.GetBytes(word, bytes);
            (Ids, Next, Previous) = (new int[Count], new int[Count], new int[Count]);
            for (var i = 0; i < Count; i++) (Ids[i], Next[i], Previous[i]) = (byteIds[bytes[i]], i + 1, i - 1);
        }

        /// <summary>Puts one token in the place of the two at <paramref name="at"/> and behind it.</summary>
        public void Join(int at, int id)
        {
            var right = Next[at];
            Ids[at] = id;
            Ids[right] = -1;
            Next[at] = Next[right];
            if (Next[at] < Count) Previous[Next[at]] = at;
        }
    }
}
