using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Cache;

/// <summary>Slots of recurrent and convolution state, one per sequence, the same number in every DeltaNet layer. A slot is zeroed when it is taken.</summary>
internal sealed class DeltaStatePool
{
    private readonly IBackend _backend;
    private readonly DeltaStates[] _layers;
    private readonly Stack<int> _free;

    public DeltaStatePool(IBackend backend, int slots, DeltaStates[] layers)
    {
        (_backend, Total, _layers) = (backend, slots, layers);
        _free = new Stack<int>(Enumerable.Range(0, slots).Reverse());
    }

    public int Total { get; }

    public int FreeCount => _free.Count;

    public bool TryTake(out int slot)
    {
        if (!_free.TryPop(out slot)) return false;
        foreach (var layer in _layers)
        {
            _backend.Clear(layer.Recurrent.Rows(slot, 1));
            _backend.Clear(layer.Conv.Rows(slot, 1));
        }
        return true;
    }

    public void Return(int slot) => _free.Push(slot);
}
