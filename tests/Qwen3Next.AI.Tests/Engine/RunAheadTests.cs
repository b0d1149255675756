using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tests.Grammar;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>Steps that are launched before the tokens of the step before are known give the answers of steps that wait for them.</summary>
public sealed class RunAheadTests
{
    private static string Folder => Golden.Path("next-tiny");

    [Theory]
    [InlineData(0, 64)]
    [InlineData(0, 18)]
    [InlineData(2, 64)]
    public async Task Generate_RequestsOfAllKinds_GivesTheAnswersOfStepsThatWait(int drafts, int blocks)
    {
        // The grammar's tokens are bytes, so no other tokens are chosen.
        using var waiting = new EngineHarness(Folder, checkpoints: 0, drafts: 0, ahead: false, tokenIds: 256);
        using var ahead = new EngineHarness(Folder, sequences: 5, batchTokens: 40, blocks: blocks, drafts: drafts, tokenIds: 256);
        var requests = new List<GenerationRequest>();
        for (var i = 0; i < 28; i++) requests.Add(await RequestAsync(waiting, i));
        var expected = new List<(int[] Tokens, GenerationFinish Finish, string Likely)>();
        foreach (var request in requests) expected.Add(await AnswerAsync(waiting, request));
        // The second time with what the first has left in the prefix cache.
        for (var round = 0; round < 2; round++)
        {
            var answers = await Task.WhenAll(requests.Select(request => AnswerAsync(ahead, request)));
            for (var i = 0; i < answers.Length; i++)
            {
                Assert.Equal(expected[i].Tokens, answers[i].Tokens);
                Assert.Equal((expected[i].Finish, expected[i].Likely), (answers[i].Finish, answers[i].Likely));
            }
        }
        Assert.True(await ahead.BecomesIdleAsync());
        ahead.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_StopTokenWhileTheNextStepRuns_DropsItsRowAndKeepsItsState()
    {
        using var waiting = new EngineHarness(Folder, drafts: 0, ahead: false);
        using var ahead = new EngineHarness(Folder, drafts: 0);
        var free = (await waiting.GenerateAsync(Request(3, 20) with { MaxTokens = 12 })).Tokens;
        var request = Request(3, 20) with { MaxTokens = 100, StopTokens = [free[^1]] };
        foreach (var (engine, known) in new[] { (waiting, 31), (ahead, 32) })
        {
            var (tokens, last) = await engine.GenerateAsync(request);
            Assert.Equal(free[..^1], tokens);
            Assert.Equal((GenerationFinish.Stop, 12), (last.Finish, last.Statistics!.OutputTokens));
            // One that waits has not computed the stop token; either way the next turn finds all that was computed.
            var next = Request(3, 20) with { Prompt = (int[])[.. request.Prompt.Span, .. free, 7, 8], MaxTokens = 10 };
            var turn = await engine.GenerateAsync(next);
            Assert.Equal(known, turn.Last.Statistics!.CachedPromptTokens);
            using var cold = new EngineHarness(Folder, drafts: 0, checkpoints: 0, ahead: false);
            Assert.Equal((await cold.GenerateAsync(next)).Tokens, turn.Tokens);
        }
    }

    [Fact]
    public async Task Generate_LogitsThatAreNoNumbers_FailsOnceAndGoesOn()
    {
        using var engine = new EngineHarness(Folder, sequences: 1, context: 4000, blocks: 400, drafts: 0, checkpoints: 0);
        var expected = (await engine.GenerateAsync(Request(1, 9))).Tokens;
        for (var round = 0; round < 5; round++)
        {
            await using var reader = engine.Engine.GenerateAsync(Request(2, 30) with { MaxTokens = 3900 }, default).GetAsyncEnumerator();
            Assert.True(await reader.MoveNextAsync());
            engine.Poison();
            var error = await Assert.ThrowsAsync<Qwen3NextException>(async () =>
            {
                while (await reader.MoveNextAsync()) { }
            });
            Assert.Contains("not a number", error.Message, StringComparison.Ordinal);
            Assert.Equal(expected, (await engine.GenerateAsync(Request(1, 9))).Tokens);
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    private static GenerationRequest Request(int seed, int length) => new() { Prompt = PrefixCacheTests.Tokens(seed, length), MaxTokens = 20, StopTokens = [] };

    /// <summary>Every fourth sampled with penalties, with a grammar, with log probabilities; the rest greedy or sampled, some ended by a stop token.</summary>
    private static async Task<GenerationRequest> RequestAsync(EngineHarness waiting, int i)
    {
        var request = Request(i, 1 + i % 9) with
        {
            MaxTokens = 1 + i * 5 % 40,
            Sampling = i % 2 == 0 ? SamplingParameters.Greedy : new SamplingParameters { Temperature = 0.8f, TopK = 30, TopP = 0.95f, Seed = i },
        };
        switch (i % 4)
        {
            case 0: return request with { Sampling = request.Sampling with { RepetitionPenalty = 1.2f, PresencePenalty = 0.3f, FrequencyPenalty = 0.2f } };
            case 1: return request with { Grammar = GrammarText.OfSchema("""{"enum":["one","three","none of these"]}""") };
            case 2 when i % 3 == 0: return request with { TopLogProbabilities = 2 };
        }
        var free = (await waiting.GenerateAsync(request)).Tokens;
        return i % 3 == 1 ? request with { StopTokens = [free[free.Count / 2]] } : request;
    }

    private static async Task<(int[] Tokens, GenerationFinish Finish, string Likely)> AnswerAsync(EngineHarness engine, GenerationRequest request)
    {
        var (tokens, likely, finish) = (new List<int>(), new List<int>(), GenerationFinish.None);
        await foreach (var step in engine.Engine.GenerateAsync(request, default))
        {
            tokens.AddRange(step.Tokens.Span);
            foreach (var probability in step.LogProbabilities.Span) likely.AddRange(probability.Top.Select(top => top.Token));
            finish = step.Finish;
        }
        return ([.. tokens], finish, string.Join(' ', likely));
    }
}
