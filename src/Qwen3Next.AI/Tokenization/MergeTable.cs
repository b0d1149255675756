using System.Numerics;

namespace Qwen3Next.AI.Tokenization;

/// <summary>What a pair of tokens becomes, and how early: the lowest rank is joined first.</summary>
internal readonly record struct Merge(int Rank, int Id);

/// <summary>
/// The ranked merges by pair. Nearly all the time of encoding goes into asking it, mostly for pairs it lacks, so it is
/// one flat array in which a question touches one cache line; a <see cref="Dictionary{TKey, TValue}"/> touches two.
/// </summary>
internal sealed class MergeTable
{
    private readonly Slot[] _slots;
    private readonly int _shift;

    public MergeTable(int capacity)
    {
        // At most half full, so that a search ends soon.
        var size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(2 * capacity, 2));
        _slots = new Slot[size];
        _shift = 64 - BitOperations.Log2(size);
    }

    // Key is 0 in an empty slot.
    private readonly record struct Slot(long Key, Merge Merge);

    /// <summary>Adds a merge; the first one of a pair counts.</summary>
    public void Add(int left, int right, Merge merge)
    {
        var key = KeyOf(left, right);
        var at = Find(key);
        if (_slots[at].Key == 0) _slots[at] = new Slot(key, merge);
    }

    public bool TryGet(int left, int right, out Merge merge)
    {
        ref var slot = ref _slots[Find(KeyOf(left, right))];
        merge = slot.Merge;
        return slot.Key != 0;
    }

    private static long KeyOf(int left, int right) => ((long)left + 1) << 32 | (uint)right;

    private int Find(long key)
    {
        var at = (int)((ulong)key * 0x9E3779B97F4A7C15 >> _shift);
        while (_slots[at].Key != key && _slots[at].Key != 0) at = (at + 1) & (_slots.Length - 1);
        return at;
    }
}
