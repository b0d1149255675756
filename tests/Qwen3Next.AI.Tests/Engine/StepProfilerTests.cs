using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class StepProfilerTests
{
    [Fact]
    public async Task ProfileStep_ReferenceShape_CountsEveryOpAndGivesItsRoomBack()
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { Device = Qwen3NextDevice.Cpu, ModelPath = Golden.Path("next-tiny"), MaxContextTokens = 128 });
        for (var round = 0; round < 20; round++)
        {
            var families = (await engine.ProfileStepAsync(2, 3, 90)).ToDictionary(f => f.Family);
            // Four layers, three of them DeltaNet: two projections, a mixer and a feed-forward each; two ops and a norm around them.
            Assert.Equal((8, 1, 3, 4, 1, 3), (families["projections"].Calls, families["attention"].Calls, families["delta rule"].Calls,
                families["experts"].Calls, families["logits"].Calls, families["small"].Calls));
            Assert.All(families.Values, family => Assert.True(family.Time > TimeSpan.Zero && family.Bytes > 0, family.ToString()));
        }
        Assert.Equal(0, engine.Status.UsedKvCacheTokens);
    }

    [Fact]
    public async Task MeasureStateCopy_IdleEngine_GivesItsSlotsBack()
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { Device = Qwen3NextDevice.Cpu, ModelPath = Golden.Path("next-tiny"), MaxContextTokens = 128, MaxConcurrentRequests = 1, PrefixCacheBytes = 1 << 20 });
        var first = await engine.MeasureStateCopyAsync();
        for (var i = 0; i < 100; i++) Assert.Equal(first.Bytes, (await engine.MeasureStateCopyAsync()).Bytes);
        Assert.True(first.Bytes > 0 && first.Time > TimeSpan.Zero, first.ToString());
        await using var narrow = new Qwen3NextEngine(new Qwen3NextOptions { Device = Qwen3NextDevice.Cpu, ModelPath = Golden.Path("next-tiny"), MaxContextTokens = 128, MaxConcurrentRequests = 1, PrefixCacheBytes = 0 });
        Assert.Contains("takes two slots, and 1 are free", (await Assert.ThrowsAsync<Qwen3NextException>(() => narrow.MeasureStateCopyAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HostTime_EngineThatRunsAhead_GrowsWithItsSteps()
    {
        using var engine = new EngineHarness(Golden.Path("next-tiny"));
        Assert.Equal(0, engine.Engine.Steps);
        await engine.GenerateAsync(new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 20, StopTokens = [] });
        Assert.InRange(engine.Engine.Steps, 1, 22);
        Assert.True(engine.Engine.HostTime > TimeSpan.Zero);
        using var waits = new EngineHarness(Golden.Path("next-tiny"), ahead: false);
        Assert.Null(waits.Engine.HostTime);
    }

    [Fact]
    public async Task ProfileStep_MoreThanTheCacheHolds_SaysWhatIsFree()
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { Device = Qwen3NextDevice.Cpu, ModelPath = Golden.Path("next-tiny"), MaxContextTokens = 128 });
        var error = await Assert.ThrowsAsync<Qwen3NextException>(() => engine.ProfileStepAsync(3, 1, 127));
        Assert.Contains("3 conversations of 128 tokens need 24 cache blocks", error.Message, StringComparison.Ordinal);
    }
}
