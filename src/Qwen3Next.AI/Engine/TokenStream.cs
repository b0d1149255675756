using System.Threading.Tasks.Sources;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// Tokens on their way from the engine's thread to one reader. Publishing allocates nothing and never waits for the reader, who gets everything
/// published since the last read in one step.
/// </summary>
internal sealed class TokenStream : IValueTaskSource<GenerationStep>, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<GenerationStep> _reader;
    private ReadOnlyMemory<int> _tokens;
    private int _read;
    private GenerationFinish _finish;
    private GenerationStatistics? _statistics;
    private Exception? _failure;
    private bool _waiting;
    private volatile bool _abandoned;

    /// <summary>The reader has left; the engine frees the conversation's place in its next step.</summary>
    public bool Abandoned => _abandoned;

    /// <param name="tokens">All tokens of the answer so far.</param>
    /// <param name="statistics">What is known now, with the first token.</param>
    public void Publish(ReadOnlyMemory<int> tokens, GenerationStatistics? statistics)
    {
        lock (_gate)
        {
            _tokens = tokens;
            _statistics ??= statistics;
            Wake();
        }
    }

    public void Finish(GenerationFinish finish, GenerationStatistics statistics)
    {
        lock (_gate)
        {
            (_finish, _statistics) = (finish, statistics);
            Wake();
        }
    }

    public void Fail(Exception failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            Wake();
        }
    }

    /// <summary>Called by the reader's side when it stops reading.</summary>
    public void Abandon() => _abandoned = true;

    /// <summary>Waits for something to be published. One reader, one read at a time.</summary>
    public ValueTask<GenerationStep> ReadAsync()
    {
        lock (_gate)
        {
            if (_failure is not null) return ValueTask.FromException<GenerationStep>(_failure);
            if (HasNews) return new ValueTask<GenerationStep>(Take());
            _reader.Reset();
            _waiting = true;
            return new ValueTask<GenerationStep>(this, _reader.Version);
        }
    }

    // The reader goes on in the thread pool, never on the engine's thread; queueing this object costs no allocation.
    void IThreadPoolWorkItem.Execute()
    {
        GenerationStep step = default;
        Exception? failure;
        lock (_gate)
        {
            failure = _failure;
            if (failure is null) step = Take();
        }
        if (failure is null) _reader.SetResult(step);
        else _reader.SetException(failure);
    }

    GenerationStep IValueTaskSource<GenerationStep>.GetResult(short token) => _reader.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<GenerationStep>.GetStatus(short token) => _reader.GetStatus(token);

    void IValueTaskSource<GenerationStep>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _reader.OnCompleted(continuation, state, token, flags);

    private bool HasNews => _tokens.Length > _read || _finish != GenerationFinish.None;

    private GenerationStep Take()
    {
        var step = new GenerationStep(_tokens[_read..], _finish, _statistics);
        _read = _tokens.Length;
        _statistics = null;
        return step;
    }

    private void Wake()
    {
        if (!_waiting) return;
        _waiting = false;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
