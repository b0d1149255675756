using System.Collections.Concurrent;

namespace Qwen3Next.AI.Engine;

/// <summary>Work for the engine's thread between two steps, asked for by other threads.</summary>
internal sealed class Errands
{
    private readonly ConcurrentQueue<Action> _queue = new();

    public bool IsEmpty => _queue.IsEmpty;

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

    /// <summary>Does everything that is queued.</summary>
    public void Run()
    {
        while (_queue.TryDequeue(out var errand)) errand();
    }
}
