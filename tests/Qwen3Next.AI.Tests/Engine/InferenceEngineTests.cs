using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tests.Ops;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class InferenceEngineTests
{
    private static readonly string Folder = Golden.Path("next-yarn");
    private static readonly ReferenceFile Reference = new(Path.Combine(Folder, "reference.safetensors"));

    [Fact]
    public async Task Generate_ManyAtOnce_EachGetsItsReferenceTokens()
    {
        using var engine = new EngineHarness(Folder, sequences: 3, batchTokens: 24);
        var runs = Enumerable.Range(0, 4 * Reference.Prompts).Select(i => Greedy(engine, i % Reference.Prompts)).ToArray();
        var results = await Task.WhenAll(runs);
        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal(Reference.Ints($"prompt{i % Reference.Prompts}.greedy"), results[i].Tokens);
            Assert.Equal(GenerationFinish.Length, results[i].Last.Finish);
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_TooFewBlocks_PreemptsAndStillGivesReferenceTokens()
    {
        // One context of 256 tokens needs 16 blocks: several conversations at once must take them from one another.
        using var engine = new EngineHarness(Folder, sequences: 4, batchTokens: 40, blocks: 16);
        var results = await Task.WhenAll(Enumerable.Range(0, 3 * Reference.Prompts).Select(i => Greedy(engine, i % Reference.Prompts)));
        for (var i = 0; i < results.Length; i++) Assert.Equal(Reference.Ints($"prompt{i % Reference.Prompts}.greedy"), results[i].Tokens);
        Assert.True(await engine.BecomesIdleAsync());
    }

    [Fact]
    public async Task Generate_StopToken_EndsBeforeIt()
    {
        using var engine = new EngineHarness(Folder);
        var greedy = Reference.Ints("prompt1.greedy");
        var stop = greedy[5];
        var (tokens, last) = await engine.GenerateAsync(new GenerationRequest { Prompt = Reference.Ints("prompt1.ids"), MaxTokens = 32, StopTokens = [stop] });
        Assert.Equal(greedy.TakeWhile(t => t != stop), tokens);
        Assert.Equal(GenerationFinish.Stop, last.Finish);
        Assert.Equal(tokens.Count + 1, last.Statistics!.OutputTokens);
        Assert.Equal(Reference.Ints("prompt1.ids").Length, last.Statistics.PromptTokens);
    }

    [Fact]
    public async Task Generate_FirstStepWithTokens_KnowsThePrompt()
    {
        using var engine = new EngineHarness(Folder);
        var request = new GenerationRequest { Prompt = Reference.Ints("prompt1.ids"), MaxTokens = 50 };
        var steps = new List<GenerationStep>();
        await foreach (var step in engine.Engine.GenerateAsync(request, default)) steps.Add(step);
        Assert.Equal(request.Prompt.Length, steps[0].Statistics!.PromptTokens);
        Assert.True(steps[0].Statistics!.PrefillTime > TimeSpan.Zero);
        Assert.Equal(50, steps[^1].Statistics!.OutputTokens);
        // Steps that a busy machine reads late come as one.
        Assert.All(steps.Skip(1).SkipLast(1), step => Assert.Null(step.Statistics));
    }

    [Fact]
    public async Task Generate_LogProbabilities_AreThoseOfTheLogits()
    {
        using var engine = new EngineHarness(Folder);
        var prompt = Reference.Ints("prompt1.ids");
        var (tokens, probabilities) = (new List<int>(), new List<TokenLogProbability>());
        await foreach (var step in engine.Engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = 8, TopLogProbabilities = 3 }, default))
        {
            tokens.AddRange(step.Tokens.Span);
            probabilities.AddRange(step.LogProbabilities.Span);
        }
        Assert.Equal(tokens, probabilities.Select(p => p.Token));
        for (var i = 0; i < tokens.Count; i++)
        {
            int[] context = [.. prompt, .. tokens.Take(i)];
            var logits = (await engine.Engine.ComputeLogitsAsync(context, allRows: false, default)).Values.ToArray();
            var total = Math.Log(logits.Sum(x => Math.Exp(x)));
            Assert.Equal(logits[tokens[i]] - total, probabilities[i].LogProbability, 1e-4);
            Assert.Equal(Enumerable.Range(0, logits.Length).OrderByDescending(t => logits[t]).Take(3), probabilities[i].Top.Select(t => t.Token));
        }
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = 8, TopLogProbabilities = 21 }));
    }

    [Fact]
    public async Task Generate_BudgetBeyondContext_EndsWithTheContext()
    {
        using var engine = new EngineHarness(Folder, context: 40);
        var (tokens, last) = await engine.GenerateAsync(new GenerationRequest { Prompt = new int[30], MaxTokens = 1000 });
        Assert.Equal((10, GenerationFinish.Length), (tokens.Count, last.Finish));
    }

    [Fact]
    public async Task Generate_SameSeed_SameTokensAloneAndBatched()
    {
        using var engine = new EngineHarness(Folder);
        var request = new GenerationRequest
        {
            Prompt = Reference.Ints("prompt0.ids"), MaxTokens = 40, StopTokens = [],
            Sampling = new SamplingParameters { Temperature = 1.5f, TopP = 0.95f, Seed = 7, FrequencyPenalty = 0.3f, RepetitionPenalty = 1.1f },
        };
        var alone = await engine.GenerateAsync(request);
        var together = await Task.WhenAll(engine.GenerateAsync(request), Greedy(engine, 1), engine.GenerateAsync(request with { Sampling = request.Sampling with { Seed = 8 } }));
        Assert.Equal(alone.Tokens, together[0].Tokens);
        Assert.NotEqual(alone.Tokens, together[2].Tokens);
    }

    [Fact]
    public async Task Generate_Cancelled_ThrowsAndFreesItsPlace()
    {
        using var engine = new EngineHarness(Folder, context: 1000);
        using var cancel = new CancellationTokenSource();
        var seen = 0;
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var step in engine.Engine.GenerateAsync(new GenerationRequest { Prompt = new int[3], MaxTokens = 900 }, cancel.Token))
                if ((seen += step.Tokens.Length) > 5) await cancel.CancelAsync();
        });
        Assert.Equal(cancel.Token, error.CancellationToken);
        Assert.True(await engine.BecomesIdleAsync());
    }

    [Fact]
    public async Task Generate_CancelledInPrefill_FreesItsPlace()
    {
        // The answer would take seconds, so that a timer that is late on a busy machine still comes before its end.
        using var engine = new EngineHarness(Folder, sequences: 2, batchTokens: 16, blocks: 1000, context: 16000);
        for (var round = 0; round < 30; round++)
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(round % 5));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.GenerateAsync(new GenerationRequest { Prompt = new int[200], MaxTokens = 15000 }, cancel.Token));
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_Abandoned_FreesItsPlace()
    {
        using var engine = new EngineHarness(Folder, sequences: 2, batchTokens: 16);
        for (var round = 0; round < 30; round++)
        {
            await using var reader = engine.Engine.GenerateAsync(new GenerationRequest { Prompt = new int[100], MaxTokens = 90 }, default).GetAsyncEnumerator();
            await reader.MoveNextAsync();
            if (round % 2 == 0) await reader.MoveNextAsync();
        }
        Assert.True(await engine.BecomesIdleAsync());
        engine.Engine.CheckIntegrity();
    }

    [Fact]
    public async Task Generate_FullQueue_RefusesByType()
    {
        using var engine = new EngineHarness(Folder, sequences: 1, queue: 1, blocks: 1000, context: 16000);
        using var cancel = new CancellationTokenSource();
        var request = new GenerationRequest { Prompt = new int[3], MaxTokens = 15000 };
        var accepted = new[] { engine.GenerateAsync(request, cancel.Token), engine.GenerateAsync(request, cancel.Token) };
        await Assert.ThrowsAsync<QueueFullException>(() => engine.GenerateAsync(request));
        await cancel.CancelAsync();
        foreach (var run in accepted) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.True(await engine.BecomesIdleAsync());
        Assert.Equal(5, (await engine.GenerateAsync(request with { MaxTokens = 5 })).Tokens.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    public async Task Generate_PromptOutsideContext_Throws(int length)
    {
        using var engine = new EngineHarness(Folder);
        var error = await Assert.ThrowsAnyAsync<Exception>(() => engine.GenerateAsync(new GenerationRequest { Prompt = new int[length], MaxTokens = 1 }));
        if (length == 0) Assert.IsType<ArgumentException>(error);
        else Assert.Contains("256", Assert.IsType<ContextLengthExceededException>(error).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_TokenOutsideVocabulary_Throws()
    {
        using var engine = new EngineHarness(Folder);
        var request = new GenerationRequest { Prompt = new[] { engine.VocabularySize }, MaxTokens = 1 };
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.GenerateAsync(request));
    }

    [Fact]
    public async Task ComputeLogits_AllRowsBesideOthers_MeetsReference()
    {
        using var engine = new EngineHarness(Folder, sequences: 2);
        var other = Greedy(engine, 1);
        for (var i = 0; i < Reference.Prompts; i++)
        {
            var ids = Reference.Ints($"prompt{i}.ids");
            var expected = Reference.Floats($"prompt{i}.logits");
            var all = await engine.Engine.ComputeLogitsAsync(ids, allRows: true, default);
            Close.Assert(expected, all.Values.Span, 1e-4f, 1e-4f, $"prompt {i}, all rows");
            var last = await engine.Engine.ComputeLogitsAsync(ids, allRows: false, default);
            Close.Assert(expected.AsSpan(^engine.VocabularySize..), last.Values.Span, 1e-4f, 1e-4f, $"prompt {i}, last row");
        }
        Assert.Equal(Reference.Ints("prompt1.greedy"), (await other).Tokens);
    }

    [Fact]
    public async Task Dispose_BeforeTheLastReadEnds_DoesNotFailTheReader()
    {
        var engine = new EngineHarness(Folder);
        await using var reader = engine.Engine.GenerateAsync(new GenerationRequest { Prompt = new int[3], MaxTokens = 1 }, default).GetAsyncEnumerator();
        while (await reader.MoveNextAsync() && reader.Current.Finish == GenerationFinish.None) { }
        engine.Dispose();
        Assert.False(await reader.MoveNextAsync());
    }

    [Fact]
    public async Task Dispose_WhileGenerating_EndsTheStream()
    {
        var engine = new EngineHarness(Folder);
        var run = engine.GenerateAsync(new GenerationRequest { Prompt = new int[3], MaxTokens = 190 });
        engine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => run);
    }

    private static Task<(List<int> Tokens, GenerationStep Last)> Greedy(EngineHarness engine, int prompt) =>
        engine.GenerateAsync(new GenerationRequest { Prompt = Reference.Ints($"prompt{prompt}.ids"), MaxTokens = Reference.Ints($"prompt{prompt}.greedy").Length });
}
