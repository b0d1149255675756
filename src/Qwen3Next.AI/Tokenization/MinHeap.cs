namespace Qwen3Next.AI.Tokenization;

/// <summary>Gives back numbers in ascending order. The space it lives in must hold all that are ever pushed.</summary>
internal ref struct MinHeap(Span<long> space)
{
    private readonly Span<long> _items = space;
    private int _count;

    public void Push(long item)
    {
        var at = _count++;
        while (at > 0 && _items[(at - 1) / 2] > item)
        {
            _items[at] = _items[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        _items[at] = item;
    }

    public bool TryPop(out long item)
    {
        item = 0;
        if (_count == 0) return false;
        item = _items[0];
        var last = _items[--_count];
        var at = 0;
        for (var child = 1; child < _count; child = 2 * at + 1)
        {
            if (child + 1 < _count && _items[child + 1] < _items[child]) child++;
            if (_items[child] >= last) break;
            _items[at] = _items[child];
            at = child;
        }
        _items[at] = last;
        return true;
    }
}
