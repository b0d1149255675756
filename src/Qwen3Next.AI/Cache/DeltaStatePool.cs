using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Cache;

/// <summary>
/// Slots of recurrent and convolution state, the same number in every DeltaNet layer: one per sequence, and one for each state that the prefix
/// cache keeps. A slot is zeroed when it is taken, or filled with another's state.
/// </summary>
internal sealed class DeltaStatePool
{
    private const int MeasuredCopies = 51;

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

    /// <summary>How long a copy takes on the device, the median of some.</summary>
    /// <exception cref="Qwen3NextException">Two slots are not free.</exception>
    public TimeSpan MeasureCopy()
    {
        if (_free.Count < 2) throw new Qwen3NextException($"Copying a state takes two slots, and {_free.Count} are free. Raise PrefixCacheBytes or MaxConcurrentRequests.");
        TryTake(out var from);
        TryTake(out var to);
        _backend.Mark();
        for (var i = 0; i < MeasuredCopies; i++)
        {
            Copy(from, to);
            _backend.Mark();
        }
        Return(to);
        Return(from);
        return TimeSpan.FromSeconds(_backend.TakeMarks().Order().ElementAt(MeasuredCopies / 2));
    }

    public void Return(int slot) => _free.Push(slot);
}
