using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>More clients than there is room for. Runs alone, because it looks at the memory of the whole process.</summary>
[Collection(nameof(AllocationTests))]
public sealed class ManyClientsTests
{
    [Fact]
    public async Task Generate_ManyClientsForAWhile_EachGetsItsSoloAnswer()
    {
        using var engine = new EngineHarness(Golden.Path("next-tiny"), sequences: 8, batchTokens: 96, blocks: 128, queue: 40, checkpoints: 12, interval: 64);
        using var solo = new EngineHarness(Golden.Path("next-tiny"), checkpoints: 0, drafts: 0, ahead: false);
        var requests = Enumerable.Range(0, 16).Select(i => new GenerationRequest
        {
            Prompt = (int[])[.. PrefixCacheTests.Tokens(i % 4, 40), .. PrefixCacheTests.Tokens(i, 1 + i)], MaxTokens = 4 + i, StopTokens = [],
        }).ToArray();
        var expected = new List<List<int>>();
        foreach (var request in requests) expected.Add((await solo.GenerateAsync(request)).Tokens);

        var (answers, refusals) = (0, 0);
        var until = Environment.TickCount64 + (Nightly.IsOn ? 60_000 : 6_000);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(client => Task.Run(() => ClientAsync(client, until - 5 * (until - Environment.TickCount64) / 6))));
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(client => Task.Run(() => ClientAsync(client, until))));
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
        Assert.True(answers > 64 && refusals > 0, $"{answers} answers, {refusals} refusals");
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true), 0, before + (4 << 20));

        async Task ClientAsync(int client, long end)
        {
            for (var i = client; Environment.TickCount64 < end; i++)
            {
                try
                {
                    var answer = await engine.GenerateAsync(requests[i % requests.Length]);
                    await ServingProofTests.AssertSameAsync(solo, requests[i % requests.Length].Prompt.ToArray(), expected[i % requests.Length], answer.Tokens);
                    Interlocked.Increment(ref answers);
                }
                catch (QueueFullException)
                {
                    Interlocked.Increment(ref refusals);
                    await Task.Delay(1 + client % 7);
                }
            }
        }
    }
}
