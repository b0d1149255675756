using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Qwen3Next.AI.Engine;

/// <summary>Work for the engine's thread between two steps, asked for by other threads.</summary>
internal sealed class Errands
{
    private readonly ConcurrentQueue<Action> _queue = new();

    /// <summary>Queues work; the task has its result.</summary>
    public Task<T> Add<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Enqueue(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    /// <summary>The next piece of work, if there is any; it throws nothing.</summary>
    public bool TryTake([NotNullWhen(true)] out Action? work) => _queue.TryDequeue(out work);
}
