using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Tests.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>What comes from the prefix cache must be what computing it anew gives.</summary>
public sealed class PrefixCacheTests
{
    private static string Folder => Golden.Path("next-tiny");

    [Fact]
    public async Task Generate_NextTurn_ComputesOnlyWhatIsNew()
    {
        using var engine = new EngineHarness(Folder);
        var first = new GenerationRequest { Prompt = Tokens(1, 50), MaxTokens = 20, StopTokens = [] };
        var answer = await engine.GenerateAsync(first);
        Assert.Equal(0, answer.Last.Statistics!.CachedPromptTokens);

        int[] history = [.. first.Prompt.Span, .. answer.Tokens, .. Tokens(2, 10)];
        var second = await engine.GenerateAsync(first with { Prompt = history });
        // The last token of an answer is chosen, not computed.
        Assert.Equal(69, second.Last.Statistics!.CachedPromptTokens);
        Assert.Equal((1L, 1L), (engine.Engine.Prefixes.Hits, engine.Engine.Prefixes.Misses));
        // The same question again goes on from its last token.
        Assert.Equal(49, (await engine.GenerateAsync(first)).Last.Statistics!.CachedPromptTokens);
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_SharedPrefixes_AreWhereOthersGoOn()
    {
        using var engine = new EngineHarness(Folder, interval: 1000);
        var system = Tokens(1, 40);
        var request = new GenerationRequest { Prompt = (int[])[.. system, .. Tokens(2, 30)], MaxTokens = 2, StopTokens = [], SharedPrefixes = [40] };
        await engine.GenerateAsync(request);
        var other = await engine.GenerateAsync(request with { Prompt = (int[])[.. system, .. Tokens(3, 30)] });
        Assert.Equal(40, other.Last.Statistics!.CachedPromptTokens);
        // Two prompts with the same document, which nobody named: the second one leaves a checkpoint where they part, for the third.
        var document = Tokens(4, 100);
        GenerationRequest About(int question) => request with { Prompt = (int[])[.. document, .. Tokens(question, 20)], SharedPrefixes = null };
        Assert.Equal(0, (await engine.GenerateAsync(About(5))).Last.Statistics!.CachedPromptTokens);
        Assert.Equal(0, (await engine.GenerateAsync(About(6))).Last.Statistics!.CachedPromptTokens);
        Assert.Equal(100, (await engine.GenerateAsync(About(7))).Last.Statistics!.CachedPromptTokens);
        foreach (var wrong in new int[][] { [0], [70], [40, 40], [41, 40] })
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GenerateAsync(request with { SharedPrefixes = wrong }));
    }

    [Fact]
    public async Task Generate_LongPrompt_LeavesACheckpointEveryInterval()
    {
        using var engine = new EngineHarness(Folder, batchTokens: 40, interval: 64);
        var request = new GenerationRequest { Prompt = Tokens(1, 200), MaxTokens = 1, StopTokens = [], SharedPrefixes = [] };
        await engine.GenerateAsync(request);
        foreach (var common in new[] { 63, 64, 130, 192 })
        {
            var cached = (await engine.GenerateAsync(request with { Prompt = (int[])[.. Tokens(1, common), .. Tokens(common, 30)] })).Last.Statistics!.CachedPromptTokens;
            Assert.InRange(cached, common / 64 * 64, common);
        }
    }

    [Fact]
    public async Task Generate_AttentionAlone_GoesOnFromAnyToken()
    {
        using var engine = new EngineHarness(Golden.Path("qwen3-moe-tiny"));
        using var cold = new EngineHarness(Golden.Path("qwen3-moe-tiny"), checkpoints: 0);
        var request = new GenerationRequest { Prompt = Tokens(1, 70, 250), MaxTokens = 4, StopTokens = [] };
        await engine.GenerateAsync(request);
        foreach (var common in new[] { 17, 32, 41 })
        {
            var branch = request with { Prompt = (int[])[.. Tokens(1, common, 250), .. Tokens(common, 12, 250)] };
            var answer = await engine.GenerateAsync(branch);
            Assert.InRange(answer.Last.Statistics!.CachedPromptTokens, common, common + 1);
            Assert.Equal((await cold.GenerateAsync(branch)).Tokens, answer.Tokens);
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_PrefixOnTheHost_IsAsGoodAsOnTheDevice()
    {
        using var engine = new EngineHarness(Folder, checkpoints: 1, hostBytes: 64 << 20);
        using var cold = new EngineHarness(Folder, checkpoints: 0, drafts: 0);
        var requests = Enumerable.Range(0, 6).Select(i => new GenerationRequest { Prompt = Tokens(i, 45), MaxTokens = 5, StopTokens = [] }).ToArray();
        foreach (var request in requests) await engine.GenerateAsync(request);
        foreach (var request in requests)
        {
            var answer = await engine.GenerateAsync(request);
            Assert.Equal(44, answer.Last.Statistics!.CachedPromptTokens);
            Assert.Equal((await cold.GenerateAsync(request)).Tokens, answer.Tokens);
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_HostBudgetForTwo_KeepsTheLastTwo()
    {
        using var probe = new EngineHarness(Folder);
        using var engine = new EngineHarness(Folder, checkpoints: 1, hostBytes: 2 * probe.Cache.ImageBytes(3) + 100);
        var requests = Enumerable.Range(0, 6).Select(i => new GenerationRequest { Prompt = Tokens(i, 45), MaxTokens = 1, StopTokens = [], SharedPrefixes = [] }).ToArray();
        foreach (var request in requests) await engine.GenerateAsync(request);
        // Prompts that go on: of six, one is on the device and two on the host.
        var cached = 0;
        foreach (var request in requests.Reverse().Take(3))
            cached += (await engine.GenerateAsync(request with { Prompt = (int[])[.. request.Prompt.Span, 1] })).Last.Statistics!.CachedPromptTokens > 0 ? 1 : 0;
        Assert.InRange(cached, 1, 3);
        Assert.Equal(0, (await engine.GenerateAsync(requests[0] with { Prompt = (int[])[.. requests[0].Prompt.Span, 1] })).Last.Statistics!.CachedPromptTokens);
    }

    [Fact]
    public async Task ComputeLogits_AfterAHit_EqualTheColdOnes()
    {
        using var engine = new EngineHarness(Folder);
        using var cold = new EngineHarness(Folder, checkpoints: 0);
        await engine.GenerateAsync(new GenerationRequest { Prompt = Tokens(1, 90), MaxTokens = 9, StopTokens = [] });
        foreach (var length in new[] { 64, 65, 90, 91, 120 })
        {
            var tokens = Tokens(1, length);
            var expected = await cold.Engine.ComputeLogitsAsync(tokens, allRows: false, default);
            var actual = await engine.Engine.ComputeLogitsAsync(tokens, allRows: false, default);
            Close.Assert(expected.Values.Span, actual.Values.Span, 1e-4f, 1e-4f, $"{length} tokens");
        }
    }

    internal static int[] Tokens(int seed, int length, int below = 500)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(below))];
    }
}
