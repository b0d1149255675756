using System.Text.Json;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tests.Grammar;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>The engine on a random checkpoint: weights that know nothing of JSON write JSON.</summary>
public sealed class GrammarGenerationTests
{
    private const string Schema = """{"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer","minimum":0,"maximum":99},"tag":{"type":"string","maxLength":4}},"required":["ok","n","tag"]}""";

    [Fact]
    public async Task Generate_UnderAGrammar_FollowsItAndEndsWithoutAStopToken()
    {
        using var engine = new EngineHarness(Golden.Path("next-yarn"));
        var grammar = GrammarText.OfSchema(Schema);
        var free = new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 30 };
        var alone = await engine.GenerateAsync(free);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(seed => engine.GenerateAsync(new GenerationRequest
        {
            Prompt = new[] { 5, seed }, MaxTokens = 200, Grammar = grammar, StopTokens = [],
            Sampling = new SamplingParameters { Temperature = 1, Seed = seed, TopP = seed % 2 == 0 ? 0.9f : 1, TopK = seed % 3 == 0 ? 5 : 0 },
        })).Append(engine.GenerateAsync(free)));
        Assert.Equal(alone.Tokens, answers[^1].Tokens);
        foreach (var (tokens, last) in answers[..^1])
        {
            var text = Chat.ByteTokenizer.Instance.Decode([.. tokens]);
            Assert.True(grammar.Matches(text), text);
            Assert.InRange(JsonElement.Parse(text).GetProperty("n").GetInt32(), 0, 99);
            Assert.Equal((GenerationFinish.Stop, tokens.Count), (last.Finish, last.Statistics!.OutputTokens));
        }
        Assert.True(await engine.BecomesIdleAsync());
    }

    [Fact]
    public async Task Generate_LogProbabilities_AreOfTokensThatMayFollow()
    {
        using var engine = new EngineHarness(Golden.Path("next-yarn"));
        var request = new GenerationRequest { Prompt = new[] { 1 }, MaxTokens = 1, Grammar = GrammarText.OfSchema(Schema), TopLogProbabilities = 20 };
        var first = new List<TokenLogProbability>();
        await foreach (var step in engine.Engine.GenerateAsync(request, default)) first.AddRange(step.LogProbabilities.Span);
        Assert.Equal(('{', 0f), ((char)Assert.Single(first).Token, first[0].LogProbability));
        Assert.Equal('{', Assert.Single(first[0].Top).Token);
    }

    [Fact]
    public async Task Generate_BudgetBeforeTheEnd_FinishesWithLength()
    {
        using var engine = new EngineHarness(Golden.Path("next-yarn"));
        var (tokens, last) = await engine.GenerateAsync(new GenerationRequest { Prompt = new[] { 1 }, MaxTokens = 5, Grammar = GrammarText.OfSchema(Schema) });
        Assert.Equal((5, GenerationFinish.Length), (tokens.Count, last.Finish));
    }
}
