using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>The whole engine with its model on the device.</summary>
public sealed class EngineTests(CudaFixture cuda)
{
    [Fact]
    public async Task Generate_Concurrently_GivesReferenceTokens()
    {
        Assert.NotNull(cuda.Device);
        var folder = Golden.Path("next-tiny");
        var reference = new ReferenceFile(Path.Combine(folder, "reference.safetensors"));
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            ModelPath = folder, Device = Qwen3NextDevice.Cuda, MaxContextTokens = 128, MaxConcurrentRequests = 3, MaxBatchTokens = 64,
        });
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(async i =>
        {
            var tokens = new List<int>();
            await foreach (var step in engine.GenerateAsync(new GenerationRequest { Prompt = reference.Ints($"prompt{i}.ids"), MaxTokens = 12, StopTokens = [] }))
                tokens.AddRange(step.Tokens.Span);
            return tokens;
        }));
        // The references' leads are large beside bf16 rounding for these prompts.
        for (var i = 0; i < answers.Length; i++) Assert.Equal(reference.Ints($"prompt{i}.greedy")[..12], answers[i]);
    }

    [Fact]
    public async Task Load_PlanIsWhatTheDeviceLost()
    {
        var free = cuda.Device.FreeBytes;
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            ModelPath = Golden.Path("next-tiny"), Device = Qwen3NextDevice.Cuda, MaxContextTokens = 128, MaxConcurrentRequests = 2, MaxBatchTokens = 64,
        });
        await engine.LoadAsync(cancellationToken: TestContext.Current.CancellationToken);
        var lost = free - cuda.Device.FreeBytes;
        Assert.InRange(engine.MemoryPlan!.Total, 0.98 * lost, 1.02 * lost);
        Assert.True(engine.MemoryPlan.Workspace > 0);
        await engine.DisposeAsync();
        Assert.Equal(free, cuda.Device.FreeBytes);
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
