using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.TinyModel;
using Qwen3Next.AI.Tokenization;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>
/// Drafts change the speed of an answer, never the answer: on a random model, whose drafts are nearly always wrong, and on the trained one, whose
/// drafts are nearly always right.
/// </summary>
public sealed class SpeculativeDecoderTests
{
    public static TheoryData<string, int> Models
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var drafts in new[] { 1, 2, 3, 4 })
            {
                data.Add("random", drafts);
                data.Add("trained", drafts);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public async Task Generate_AnyDepth_GivesTheTokensWithoutDrafts(string model, int drafts)
    {
        var requests = Requests();
        var expected = await RunAsync(model, requests, drafts: 0, together: false);
        Assert.Equal(expected.Tokens, (await RunAsync(model, requests, drafts, together: false)).Tokens);
        var batched = await RunAsync(model, requests, drafts, together: true);
        Assert.Equal(expected.Tokens, batched.Tokens);
        Assert.True(batched.Drafted > 50, $"only {batched.Drafted} drafts were made");
        Assert.Equal(0, expected.Drafted);
    }

    [Theory]
    [InlineData("random")]
    [InlineData("trained")]
    public async Task Generate_TooFewBlocks_GivesTheTokensWithoutDrafts(string model)
    {
        var requests = Requests();
        var expected = await RunAsync(model, requests, drafts: 0, together: false);
        var scarce = await RunAsync(model, requests, drafts: 3, together: true, blocks: 16, sequences: 6);
        Assert.Equal(expected.Tokens, scarce.Tokens);
    }

    [Fact]
    public async Task SetDrafts_WhileLoaded_ChangesHowManyAreMade()
    {
        using var engine = new EngineHarness(TinyModel());
        foreach (var (seed, drafts) in new[] { 0, 1, 3, 0, 2 }.Index())
        {
            Assert.True(await engine.Engine.SetDraftsAsync(drafts));
            // Another prompt each time: what goes on from a prefix that was computed without drafts has none.
            var request = new GenerationRequest { Prompt = Prompt(seed, 40), MaxTokens = 60, StopTokens = [], ForcedDraftAcceptance = 0 };
            var statistics = (await engine.GenerateAsync(request)).Last.Statistics!;
            // None holds, so every step but those at the end has as many as it may.
            Assert.Equal(drafts, (int)Math.Ceiling(statistics.RejectedDraftTokens / 60.0));
        }
        using var without = new EngineHarness(TinyModel(), drafts: 0);
        Assert.False(await without.Engine.SetDraftsAsync(null));
    }

    [Fact]
    public async Task Generate_TrainedModel_KeepsMostDraftsAndCountsThem()
    {
        using var engine = new EngineHarness(TinyModel(), drafts: 2);
        // A question, and no random tokens: what follows those nobody can foresee.
        var prompt = ChatTemplate.Render(Qwen3NextFormat.Thinking, [new TemplateMessage { Role = "user", Content = "Sort these numbers: 31, 7, 45, 12, 28, 3." }], []);
        var (tokens, last) = await engine.GenerateAsync(new GenerationRequest { Prompt = Tokenizer.Load(TinyModel()).Encode(prompt), MaxTokens = 120, StopTokens = [] });
        var statistics = last.Statistics!;
        Assert.Equal(120, tokens.Count);
        Assert.True(statistics.AcceptedDraftTokens > statistics.RejectedDraftTokens, $"{statistics}");
        // Every step gives one token and the drafts it kept.
        Assert.InRange(statistics.DraftSteps, (tokens.Count - statistics.AcceptedDraftTokens) - 3, tokens.Count - statistics.AcceptedDraftTokens);
    }

    [Fact]
    public async Task Generate_ForcedAcceptance_KeepsThatShare()
    {
        using var engine = new EngineHarness(Golden.Path("next-tiny"), drafts: 1, context: 1100, blocks: 100);
        var request = new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 1000, StopTokens = [], ForcedDraftAcceptance = 0.8 };
        var statistics = (await engine.GenerateAsync(request)).Last.Statistics!;
        Assert.InRange(statistics.AcceptedDraftTokens / (double)statistics.DraftSteps, 0.75, 0.85);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GenerateAsync(request with { ForcedDraftAcceptance = 1.1 }));
    }

    [Fact]
    public async Task Generate_StopTokenAmongDrafts_EndsThere()
    {
        using var plain = new EngineHarness(TinyModel(), drafts: 0);
        using var drafted = new EngineHarness(TinyModel(), drafts: 4);
        var request = new GenerationRequest { Prompt = Prompt(3, 40), MaxTokens = 60, StopTokens = [] };
        var (tokens, _) = await plain.GenerateAsync(request);
        for (var i = 0; i < 12; i++)
        {
            var ended = await drafted.GenerateAsync(request with { StopTokens = [tokens[i]] });
            Assert.Equal(tokens.TakeWhile(t => t != tokens[i]), ended.Tokens);
            Assert.Equal(GenerationFinish.Stop, ended.Last.Finish);
            var cut = await drafted.GenerateAsync(request with { MaxTokens = i + 1 });
            Assert.Equal(tokens.Take(i + 1), cut.Tokens);
        }
        Assert.True(await drafted.BecomesIdleAsync());
        drafted.Engine.CheckIntegrity();
    }

    /// <summary>Greedy ones, and sampled ones with every setting that looks at the tokens before.</summary>
    private static GenerationRequest[] Requests() => [.. Enumerable.Range(0, Nightly.IsOn ? 300 : 10).Select(i => new GenerationRequest
    {
        Prompt = Prompt(i, 1 + i % 10 * 7), MaxTokens = 30 + i % 10, StopTokens = [],
        Sampling = i % 3 == 0 ? SamplingParameters.Greedy : new SamplingParameters
        {
            Temperature = 0.7f, TopP = 0.95f, TopK = 20, Seed = i, RepetitionPenalty = i % 2 == 0 ? 1.1f : 1, FrequencyPenalty = 0.2f, PresencePenalty = 0.1f,
        },
    })];

    private static int[] Prompt(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(500))];
    }

    private static async Task<(List<int>[] Tokens, int Drafted)> RunAsync(string model, GenerationRequest[] requests, int drafts, bool together, int blocks = 64, int sequences = 4)
    {
        using var engine = new EngineHarness(model == "trained" ? TinyModel() : Golden.Path("next-tiny"), sequences, batchTokens: 40, blocks, queue: requests.Length, drafts: drafts);
        var results = new List<(List<int> Tokens, GenerationStep Last)>();
        if (together) results.AddRange(await Task.WhenAll(requests.Select(r => engine.GenerateAsync(r))));
        else foreach (var request in requests) results.Add(await engine.GenerateAsync(request));
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
        return ([.. results.Select(r => r.Tokens)], results.Sum(r => r.Last.Statistics!.AcceptedDraftTokens + r.Last.Statistics.RejectedDraftTokens));
    }

    private static string TinyModel()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(TinyCheckpoint.Path, "config.json")), "the tiny model is not in this checkout");
        return TinyCheckpoint.Path;
    }
}
