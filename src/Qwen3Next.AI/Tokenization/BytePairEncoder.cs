using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>
/// Joins the bytes of a word into tokens: the pair of lowest rank first, the leftmost where ranks are equal. A word of n bytes costs
/// n log n, whatever it holds. May be used by many threads at once.
/// </summary>
/// <param name="byteIds">The id of each single byte.</param>
/// <param name="merges">The ranked merges.</param>
internal sealed class BytePairEncoder(int[] byteIds, MergeTable merges)
{
    private const int LongestCachedWord = 24;
    private const int LongestWordOnStack = 128;
    private const int CacheSize = 1 << 17;

    // A slot holds the last word that fell on it. Entries are immutable and replaced whole, so readers need no lock.
    private readonly CachedWord?[] _cache = new CachedWord?[CacheSize];

    private sealed record CachedWord(string Word, int[] Ids);

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
            foreach (var id in cached.Ids) ids.Add(id);
            return;
        }
        var before = ids.Count;
        Join(word, ids);
        slot = new CachedWord(word.ToString(), [.. ids[before..]]);
    }

    private void Join(ReadOnlySpan<char> word, List<int> ids)
    {
        var length = Encoding.UTF8.GetByteCount(word);
        Span<byte> bytes = length <= LongestWordOnStack ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(word, bytes);

        Span<Symbol> symbols = length <= LongestWordOnStack ? stackalloc Symbol[length] : new Symbol[length];
        for (var i = 0; i < length; i++) symbols[i] = new Symbol { Id = byteIds[bytes[i]], Previous = i - 1, Next = i + 1 };

        // Each symbol is offered once at the start and each join offers two more.
        Span<long> space = length <= LongestWordOnStack ? stackalloc long[3 * length] : new long[3 * length];
        var queue = new MinHeap(space);
        for (var at = 0; at < length - 1; at++) Offer(symbols, at, ref queue);
        while (queue.TryPop(out var offer))
        {
            // A symbol that changed since it was offered has another rank by now, and was offered again if it can still be joined.
            var at = (int)(uint)offer;
            if (symbols[at].Offer != offer) continue;
            Join(symbols, at);
            Offer(symbols, at, ref queue);
            if (symbols[at].Previous >= 0) Offer(symbols, symbols[at].Previous, ref queue);
        }
        for (var at = 0; at < length; at = symbols[at].Next) ids.Add(symbols[at].Id);
    }

    // Puts one token in the place of the two at and behind a position.
    private static void Join(Span<Symbol> symbols, int at)
    {
        ref var left = ref symbols[at];
        ref var right = ref symbols[left.Next];
        left.Id = left.JoinedId;
        left.Next = right.Next;
        right.Offer = Symbol.NoOffer;
        if (left.Next < symbols.Length) symbols[left.Next].Previous = at;
    }

    private void Offer(Span<Symbol> symbols, int at, ref MinHeap queue)
    {
        ref var symbol = ref symbols[at];
        symbol.Offer = Symbol.NoOffer;
        if (symbol.Next >= symbols.Length || !merges.TryGet(symbol.Id, symbols[symbol.Next].Id, out var merge)) return;
        symbol.JoinedId = merge.Id;
        symbol.Offer = ((long)merge.Rank << 32) | (uint)at;
        queue.Push(symbol.Offer);
    }

    /// <summary>One token of a word under way, in a linked list, so that joining costs the same anywhere.</summary>
    private struct Symbol
    {
        public const long NoOffer = -1;

        public int Id;
        public int Previous;
        public int Next;

        /// <summary>What this and the next become, where they can be joined.</summary>
        public int JoinedId;

        /// <summary>Rank of that merge, then position: the order of joining.</summary>
        public long Offer;
    }
}
