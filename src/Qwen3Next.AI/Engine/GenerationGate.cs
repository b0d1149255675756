namespace Qwen3Next.AI.Engine;

/// <summary>Counts the generations under way, and can be closed: nothing enters then, and whoever closed it learns when the last one has left.</summary>
internal sealed class GenerationGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private bool _closed;

    public bool Closed
    {
        get
        {
            lock (_lock) return _closed;
        }
    }

    /// <exception cref="Qwen3NextException">The gate is closed.</exception>
    public void Enter()
    {
        lock (_lock)
        {
            if (_closed) throw new Qwen3NextException("The engine is shutting down and takes no new requests. Send this one to another instance, or after the restart.");
            _inside++;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_inside == 0 && _closed) _empty.TrySetResult();
        }
    }

    /// <summary>Closes the gate, at once and for good, and waits until it is empty.</summary>
    public Task CloseAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _closed = true;
            if (_inside == 0) _empty.TrySetResult();
        }
        return _empty.Task.WaitAsync(cancellationToken);
    }
}
