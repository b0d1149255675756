namespace Qwen3Next.AI.Cli.Output;

/// <summary>Ctrl+C cancels the innermost work in hand. When that is already cancelled, or there is none, the process ends as usual.</summary>
internal sealed class Interrupts
{
    private readonly Lock _gate = new();
    private readonly Stack<CancellationTokenSource> _work = new();

    /// <summary>Begins work that Ctrl+C cancels until the result is disposed.</summary>
    public Work Begin() => new(this);

    /// <summary>Reports Ctrl+C; false when nobody heeds it.</summary>
    public bool Raise()
    {
        lock (_gate)
        {
            if (!_work.TryPeek(out var work) || work.IsCancellationRequested) return false;
            work.Cancel();
            return true;
        }
    }

    internal sealed class Work : IDisposable
    {
        private readonly Interrupts _owner;
        private readonly CancellationTokenSource _source = new();

        public Work(Interrupts owner)
        {
            _owner = owner;
            lock (owner._gate) owner._work.Push(_source);
        }

        public CancellationToken Token => _source.Token;

        public void Dispose()
        {
            lock (_owner._gate) _owner._work.Pop();
            _source.Dispose();
        }
    }
}
