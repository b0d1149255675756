using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>The whole engine with its model on the device.</summary>
public sealed class EngineTests(CudaFixture cuda)
{
    // Without drafts, steps are launched before the tokens of those before are known.
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Generate_Concurrently_GivesReferenceTokens(int drafts)
    {
        Assert.NotNull(cuda.Device);
        var folder = Golden.Path("next-tiny");
        var reference = new ReferenceFile(Path.Combine(folder, "reference.safetensors"));
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            ModelPath = folder, Device = Qwen3NextDevice.Cuda, MaxContextTokens = 128, MaxBatchTokens = 64, DraftTokens = drafts,
            // Steps of more than eight rows round otherwise.
            MaxConcurrentRequests = drafts > 0 ? 2 : 3,
        });
        // The references' leads are large beside bf16 rounding for these prompts.
        var expected = Enumerable.Range(0, 3).Select(i => reference.Ints($"prompt{i}.greedy")[..12]).ToArray();
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => AnswerAsync(i, [])));
        for (var i = 0; i < answers.Length; i++) Assert.Equal(expected[i], answers[i]);
        // Its place is another's while steps that still compute for it are under way.
        var ended = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => AnswerAsync(i % 3, [expected[i % 3][i]])));
        for (var i = 0; i < ended.Length; i++) Assert.Equal(expected[i % 3].TakeWhile(token => token != expected[i % 3][i]), ended[i]);

        async Task<List<int>> AnswerAsync(int prompt, int[] stop)
        {
            var tokens = new List<int>();
            await foreach (var step in engine.GenerateAsync(new GenerationRequest { Prompt = reference.Ints($"prompt{prompt}.ids"), MaxTokens = 12, StopTokens = stop }))
                tokens.AddRange(step.Tokens.Span);
            return tokens;
        }
    }

    /// <summary>
    /// Free memory is the whole GPU's: other processes change it, and the driver keeps a few megabytes for what it ran for the first time. So one
    /// round of twenty must agree, to the byte; a plan that is wrong, or memory that stays behind, shows in every round.
    /// </summary>
    [Fact]
    public async Task Load_PlanIsWhatTheDeviceLostAndDisposeGivesBack()
    {
        var rounds = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            var free = cuda.Device.FreeBytes;
            await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
            {
                ModelPath = Golden.Path("next-tiny"), Device = Qwen3NextDevice.Cuda, MaxContextTokens = 128, MaxConcurrentRequests = 2, MaxBatchTokens = 64,
            });
            await engine.LoadAsync(cancellationToken: TestContext.Current.CancellationToken);
            var (lost, plan) = (free - cuda.Device.FreeBytes, engine.MemoryPlan!);
            Assert.True(plan.Workspace > 0);
            await engine.DisposeAsync();
            var kept = free - cuda.Device.FreeBytes;
            if (Math.Abs(plan.Total - lost) <= 0.02 * lost && kept == 0) return;
            rounds.Add($"planned {plan.Total} bytes, the device lost {lost} and did not get {kept} back");
        }
        Assert.Fail(string.Join('\n', rounds));
    }

    [Fact]
    public async Task Load_MoreThanTheDeviceHas_SaysWhatToLower()
    {
        Assert.NotNull(cuda.Device);
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            ModelPath = Golden.Path("next-tiny"), Device = Qwen3NextDevice.Cuda, MaxContextTokens = 128, KvCacheBytes = 1L << 45,
        });
        var error = await Assert.ThrowsAnyAsync<Qwen3NextException>(() => engine.LoadAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("Lower MaxContextTokens, KvCacheBytes", error.Message, StringComparison.Ordinal);
    }
}
