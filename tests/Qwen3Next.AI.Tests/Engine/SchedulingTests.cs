using System.Collections.Concurrent;
using System.Diagnostics;
using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>Who gets a place, who keeps it, and that nobody waits for a long prompt of somebody else.</summary>
public sealed class SchedulingTests
{
    private static readonly string Folder = Golden.Path("next-yarn");

    [Fact]
    public async Task Generate_LongPromptBesideAnAnswer_TakesNoStepFromIt()
    {
        // The prompt needs 120 steps, each of which must give the other conversation its token.
        using var engine = new EngineHarness(Folder, sequences: 2, batchTokens: 17, blocks: 400, context: 4000, interval: 4096);
        await using var answer = engine.Engine.GenerateAsync(new GenerationRequest { Prompt = new int[3], MaxTokens = 3000, StopTokens = [] }, default).GetAsyncEnumerator();
        Assert.True(await answer.MoveNextAsync());
        var before = answer.Current.Tokens.Length;
        var prompt = engine.GenerateAsync(new GenerationRequest { Prompt = PrefixCacheTests.Tokens(1, 1920, 250), MaxTokens = 1, StopTokens = [], SharedPrefixes = [] });
        await prompt;
        Assert.True(await answer.MoveNextAsync());
        Assert.True(before + answer.Current.Tokens.Length >= 120, $"{answer.Current.Tokens.Length} tokens beside a prompt of 120 steps");
    }

    [Fact]
    public async Task Generate_Priority_DecidesWhoIsNext()
    {
        using var engine = new EngineHarness(Folder, sequences: 1, context: 1000);
        var starts = new ConcurrentDictionary<string, long>();
        var first = RunAsync("first", 0, tokens: 900);
        // It has its place before the others come.
        while (engine.Engine.UsedKvTokens == 0) await Task.Delay(1);
        var later = new List<Task>();
        foreach (var (name, priority) in new[] { ("a", 0), ("b", 0), ("urgent", 5), ("more urgent", 7), ("c", 0), ("as urgent", 5), ("late", -1) })
        {
            later.Add(RunAsync(name, priority, tokens: 60));
            while (engine.Engine.Present < later.Count + 1) await Task.Delay(1);
        }
        await Task.WhenAll([first, .. later]);
        Assert.Equal(["first", "more urgent", "urgent", "as urgent", "a", "b", "c", "late"], starts.OrderBy(start => start.Value).Select(start => start.Key));

        async Task RunAsync(string name, int priority, int tokens)
        {
            // When its computing began, not when this thread heard of its end.
            var arrived = Stopwatch.GetTimestamp();
            var (_, last) = await engine.GenerateAsync(new GenerationRequest { Prompt = new int[20], MaxTokens = tokens, StopTokens = [], Priority = priority });
            starts[name] = arrived + (long)(last.Statistics!.QueueTime.TotalSeconds * Stopwatch.Frequency);
        }
    }

    [Fact]
    public async Task Generate_PastItsDeadline_FailsByTypeAndFreesItsPlace()
    {
        using var engine = new EngineHarness(Folder, sequences: 1, blocks: 1000, context: 16000);
        var request = new GenerationRequest { Prompt = new int[3], MaxTokens = 15000, StopTokens = [], Deadline = TimeSpan.FromMilliseconds(60) };
        var tokens = 0;
        var error = await Assert.ThrowsAsync<DeadlineExceededException>(async () =>
        {
            await foreach (var step in engine.Engine.GenerateAsync(request, default)) tokens += step.Tokens.Length;
        });
        Assert.Contains("within 0.06 s", error.Message, StringComparison.Ordinal);
        Assert.True(tokens > 0, "nothing came before the deadline");
        // One that waits for a place all the time fails too.
        var busy = engine.GenerateAsync(request with { Deadline = TimeSpan.FromSeconds(1) });
        await Assert.ThrowsAsync<DeadlineExceededException>(() => engine.GenerateAsync(request));
        await Assert.ThrowsAsync<DeadlineExceededException>(() => busy);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GenerateAsync(request with { Deadline = TimeSpan.Zero }));
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }
}
