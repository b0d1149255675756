using Qwen3Next.AI.Engine;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>An engine's life as its status tells it, on the bundled model.</summary>
public sealed class Qwen3NextEngineTests
{
    private static Qwen3NextEngine Engine() => new(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, MaxContextTokens = 512, MaxConcurrentRequests = 1, MaxQueueLength = 5 });

    private static GenerationRequest Request(int tokens) => new() { Prompt = new[] { 1, 2, 3 }, MaxTokens = tokens, StopTokens = [] };

    private static async Task<int> CountAsync(Qwen3NextEngine engine, int tokens)
    {
        var count = 0;
        await foreach (var step in engine.GenerateAsync(Request(tokens))) count += step.Tokens.Length;
        return count;
    }

    [Fact]
    public async Task Status_FromLoadToDispose_FollowsTheEngine()
    {
        var engine = Engine();
        Assert.Equal((Qwen3NextEngineState.NotLoaded, 0), (engine.Status.State, engine.Status.KvCacheTokens));
        var load = engine.LoadAsync();
        Assert.Contains(engine.Status.State, new[] { Qwen3NextEngineState.Loading, Qwen3NextEngineState.Ready });
        await load;
        Assert.Equal((Qwen3NextEngineState.Ready, 0, 5), (engine.Status.State, engine.Status.UsedKvCacheTokens, engine.Status.MaxWaitingRequests));
        Assert.True(engine.Status.KvCacheTokens >= 512);

        await using var first = engine.GenerateAsync(Request(400)).GetAsyncEnumerator();
        await using var second = engine.GenerateAsync(Request(400)).GetAsyncEnumerator();
        await first.MoveNextAsync();
        var waiting = second.MoveNextAsync();
        Assert.Equal((1, 1), (engine.Status.RunningRequests, engine.Status.WaitingRequests));
        Assert.True(engine.Status.UsedKvCacheTokens > 0);

        var drained = engine.DrainAsync();
        Assert.Equal(Qwen3NextEngineState.Draining, engine.Status.State);
        await engine.DisposeAsync();
        Assert.Equal(Qwen3NextEngineState.Disposed, engine.Status.State);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await first.MoveNextAsync())
            {
            }
        });
        await drained;
    }

    [Fact]
    public async Task Drain_RunningGeneration_EndsByItselfAndNewOnesAreRefused()
    {
        await using var engine = Engine();
        var running = CountAsync(engine, 100);
        var drained = engine.DrainAsync();
        var error = await Assert.ThrowsAsync<Qwen3NextException>(() => CountAsync(engine, 1));
        Assert.Contains("shutting down", error.Message);
        await drained.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(100, await running);
    }

    [Fact]
    public async Task Drain_Cancelled_LeavesTheGenerationAlone()
    {
        await using var engine = Engine();
        var running = CountAsync(engine, 100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.DrainAsync(new CancellationToken(canceled: true)));
        Assert.Equal(100, await running);
    }

    [Fact]
    public async Task Load_Cancelled_MayBeTriedAgain()
    {
        await using var engine = Engine();
        using var cancel = new CancellationTokenSource();
        var progress = new CancelAtFirstReport(cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.LoadAsync(progress, cancel.Token));
        await engine.LoadAsync();
        Assert.Equal((Qwen3NextEngineState.Ready, true), (engine.Status.State, progress.Reported));
    }

    [Fact]
    public async Task Load_Failing_IsInTheStatus()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(TinyCheckpoint.Path, "config.json"), folder.File("config.json"));
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = folder.Path });
        var error = await Assert.ThrowsAsync<CheckpointException>(() => engine.LoadAsync());
        Assert.Equal(Qwen3NextEngineState.Failed, engine.Status.State);
        Assert.Same(error, engine.Status.Failure);
    }

    private sealed class CancelAtFirstReport(CancellationTokenSource cancel) : IProgress<Qwen3NextLoadProgress>
    {
        public bool Reported { get; private set; }

        public void Report(Qwen3NextLoadProgress value)
        {
            Reported = true;
            cancel.Cancel();
        }
    }
}
