using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Cache;

/// <summary>
/// Slots of recurrent and convolution state, the same number in every DeltaNet layer: one per sequence, and one for each state that the prefix
/// cache keeps. A slot is zeroed when it is taken, or filled with another's state.
/// </summary>
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

    /// <summary>Takes a slot and copies a state into it. What the other slot knows of drafts is not copied.</summary>
    public bool TryTakeCopy(int of, out int slot)
    {
        if (!_free.TryPop(out slot)) return false;
        Copy(of, slot);
        return true;
    }

    public void Copy(int from, int to)
    {
        foreach (var layer in _layers)
        {
            _backend.Copy(layer.Recurrent.Rows(from, 1), layer.Recurrent.Rows(to, 1));
            _backend.Copy(layer.Conv.Rows(from, 1), layer.Conv.Rows(to, 1));
        }
    }

    public void Return(int slot) => _free.Push(slot);
}
