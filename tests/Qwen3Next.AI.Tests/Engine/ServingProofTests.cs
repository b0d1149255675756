using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tests.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>
/// Random conversations against the serving core with everything switched on: drafts, prefix cache, scarce room; half of them without drafts, where
/// steps are launched before the tokens of the step before are known. The halves run side by side, on one thread each. Counts are a tenth of the
/// whole unless QWEN3NEXT_NIGHTLY is 1; seeds are fixed.
/// </summary>
public sealed class ServingProofTests
{
    private const float Rounding = 1e-4f;

    private static string Folder => Golden.Path("next-tiny");

    [Fact]
    public Task Generate_RandomBranchesOfConversations_EqualsComputingThemAnew() => BothAsync(async drafts =>
    {
        using var warm = new EngineHarness(Folder, blocks: 40, drafts: drafts, checkpoints: 10, interval: 64, hostBytes: 1 << 20, threads: 1);
        using var cold = new EngineHarness(Folder, checkpoints: 0, drafts: 0, ahead: false, threads: 1);
        var random = new Random(11 + drafts);
        var histories = new List<int[]> { Array.Empty<int>() };
        var (cached, prompts) = (0L, 0L);
        for (var turn = 0; turn < Nightly.Count(10_000) / 2; turn++)
        {
            // Goes on with a conversation, or branches off anywhere in it.
            var history = histories[random.Next(histories.Count)];
            if (random.Next(2) == 0) history = history[..random.Next(history.Length + 1)];
            if (history.Length > 120) history = [];
            int[] prompt = [.. history, .. Enumerable.Range(0, 1 + random.Next(24)).Select(_ => random.Next(500))];
            var request = new GenerationRequest { Prompt = prompt, MaxTokens = 1 + random.Next(6), StopTokens = [], SharedPrefixes = Boundaries(random, prompt.Length) };
            var answer = await warm.GenerateAsync(request);
            await AssertSameAsync(cold, prompt, (await cold.GenerateAsync(request)).Tokens, answer.Tokens);
            if (turn % 8 == 0)
            {
                var expected = await cold.Engine.ComputeLogitsAsync(prompt, allRows: false, default);
                var actual = await warm.Engine.ComputeLogitsAsync(prompt, allRows: false, default);
                Close.Assert(expected.Values.Span, actual.Values.Span, Rounding, Rounding, $"turn {turn}");
            }
            histories.Add([.. prompt, .. answer.Tokens]);
            if (histories.Count > 24) histories.RemoveAt(random.Next(histories.Count));
            cached += answer.Last.Statistics!.CachedPromptTokens;
            prompts += prompt.Length;
        }
        Assert.True(cached > prompts / 6, $"only {cached} of {prompts} prompt tokens came from the cache");
        Assert.True(await warm.BecomesIdleAsync());
        warm.Engine.CheckIntegrity();
    });

    [Fact]
    public async Task Generate_SampledWithDrafts_FollowsTheDistributionWithout()
    {
        // Two tokens each, of at most four, with seeds that the two sides do not share: the frequencies of the 16 pairs differ by chance alone.
        var draws = Nightly.Count(100_000) / 2;
        var both = await Task.WhenAll(PairsAsync(drafts: 1, firstSeed: 0, draws), PairsAsync(drafts: 0, firstSeed: 1 << 20, draws));
        var (with, without) = (both[0], both[1]);
        double chiSquare = 0;
        var cells = with.Keys.Union(without.Keys).ToList();
        foreach (var pair in cells)
        {
            double a = with.GetValueOrDefault(pair), b = without.GetValueOrDefault(pair);
            chiSquare += (a - b) * (a - b) / (a + b);
        }
        Assert.InRange(cells.Count, 8, 16);
        // 15 degrees of freedom: a larger value has a chance of 1 in 10,000.
        Assert.True(chiSquare < 44.3, $"chi-square {chiSquare:0.0} over {cells.Count} pairs");
    }

    [Fact]
    public Task Generate_OnMemoryFilledWithNaN_FindsNoTraceOfTheOwnerBefore() => BothAsync(async drafts =>
    {
        using var clean = new EngineHarness(Folder, checkpoints: 0, drafts: drafts, threads: 1);
        using var engine = new EngineHarness(Folder, sequences: 2, blocks: 16, checkpoints: 0, drafts: drafts, threads: 1);
        var requests = Enumerable.Range(0, 8).Select(i => new GenerationRequest { Prompt = PrefixCacheTests.Tokens(i, 2 + i * 9), MaxTokens = 4 + i, StopTokens = [] }).ToArray();
        var expected = new List<(List<int> Tokens, int Accepted)>();
        foreach (var request in requests) expected.Add(Result(await clean.GenerateAsync(request)));
        for (var reuse = 0; reuse < Nightly.Count(10_000) / 2; reuse += 2)
        {
            engine.Poison();
            var (a, b) = (reuse % 8, (reuse * 3 + 1) % 8);
            var both = await Task.WhenAll(engine.GenerateAsync(requests[a]), engine.GenerateAsync(requests[b]));
            Assert.Equal(expected[a].Tokens, both[0].Tokens);
            Assert.Equal(expected[b].Tokens, both[1].Tokens);
            // Drafts never change tokens, so a trace in the MTP layer's cache would show in how many were right.
            Assert.Equal((expected[a].Accepted, expected[b].Accepted), (Result(both[0]).Accepted, Result(both[1]).Accepted));
            Assert.True(await engine.BecomesIdleAsync());
        }
    });

    [Fact]
    public Task Generate_CancelledAndAbandonedAtRandom_LosesNothing() => BothAsync(async drafts =>
    {
        using var engine = new EngineHarness(Folder, sequences: 3, batchTokens: 24, blocks: 24, context: 300, drafts: drafts, checkpoints: 4, interval: 64, threads: 1);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(client => Task.Run(() => ClientAsync(client))));
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();

        async Task ClientAsync(int client)
        {
            var random = new Random(client);
            for (var round = 0; round < Nightly.Count(10_000) / 10; round++)
            {
                using var cancel = new CancellationTokenSource();
                var request = new GenerationRequest { Prompt = PrefixCacheTests.Tokens(random.Next(6), 1 + random.Next(90)), MaxTokens = 100, StopTokens = [] };
                await using var reader = engine.Engine.GenerateAsync(request, cancel.Token).GetAsyncEnumerator();
                var reads = random.Next(4);
                var last = reader.MoveNextAsync().AsTask();
                for (var i = 0; i < reads && await last; i++) last = reader.MoveNextAsync().AsTask();
                if (random.Next(2) == 0) await cancel.CancelAsync();
                try
                {
                    await last;
                }
                catch (OperationCanceledException)
                {
                }
                await engine.Engine.CheckIntegrityAsync();
            }
        }
    });

    /// <summary>With drafts, and without: half of the work each.</summary>
    private static Task BothAsync(Func<int, Task> half) => Task.WhenAll(Task.Run(() => half(2)), Task.Run(() => half(0)));

    /// <summary>
    /// Greedy texts are equal, but where the two likeliest tokens are equal within rounding: prompts that were read in other pieces differ there.
    /// </summary>
    internal static async Task AssertSameAsync(EngineHarness cold, int[] prompt, List<int> expected, List<int> actual)
    {
        if (expected.SequenceEqual(actual)) return;
        var same = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        Assert.True(same < Math.Min(expected.Count, actual.Count), "one answer is shorter than the other");
        var logits = (await cold.Engine.ComputeLogitsAsync((int[])[.. prompt, .. expected[..same]], allRows: false, default)).Values;
        Assert.InRange(MathF.Abs(logits.Span[expected[same]] - logits.Span[actual[same]]), 0, Rounding);
    }

    private static int[]? Boundaries(Random random, int length) => random.Next(3) switch
    {
        0 => null,
        1 => [],
        _ => length > 1 ? [1 + random.Next(length - 1)] : [],
    };

    private static async Task<Dictionary<(int, int), int>> PairsAsync(int drafts, int firstSeed, int draws)
    {
        using var engine = new EngineHarness(Folder, sequences: 8, drafts: drafts, threads: 1);
        var counts = new Dictionary<(int, int), int>();
        for (var first = 0; first < draws; first += 50)
        {
            var answers = await Task.WhenAll(Enumerable.Range(first, 50).Select(seed => engine.GenerateAsync(new GenerationRequest
            {
                // The third token makes room for a draft of the second.
                Prompt = PrefixCacheTests.Tokens(5, 20), MaxTokens = 3, StopTokens = [],
                Sampling = new SamplingParameters { Temperature = 1, TopK = 4, Seed = firstSeed + seed },
            })));
            foreach (var (tokens, _) in answers) counts[(tokens[0], tokens[1])] = counts.GetValueOrDefault((tokens[0], tokens[1])) + 1;
        }
        return counts;
    }

    private static (List<int> Tokens, int Accepted) Result((List<int> Tokens, GenerationStep Last) answer) => (answer.Tokens, answer.Last.Statistics!.AcceptedDraftTokens);
}
