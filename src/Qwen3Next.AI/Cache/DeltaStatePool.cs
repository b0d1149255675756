using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Cache;

/// <summary>Slots of recurrent and convolution state, one per sequence, the same number in every DeltaNet layer. A slot is zeroed when it is taken.</summary>
internal sealed class DeltaStatePool
{
    private readonly DeltaStates[] _layers;
    private readonly Stack<int> _free;

    public DeltaStatePool(int slots, DeltaStates[] layers)
    {
        (Total, _layers) = (slots, layers);
        _free = new Stack<int>(Enumerable.Range(0, slots).Reverse());
    }

    public int Total { get; }

    public int FreeCount => _free.Count;

    public bool TryTake(out int slot)
    {
        if (!_free.TryPop(out slot)) return false;
        foreach (var layer in _layers)
        {
            layer.Recurrent.Rows(slot, 1).AsSpan().Clear();
            layer.Conv.Rows(slot, 1).AsSpan().Clear();
        }
        return true;
    }

    public void Return(int slot) => _free.Push(slot);
}
