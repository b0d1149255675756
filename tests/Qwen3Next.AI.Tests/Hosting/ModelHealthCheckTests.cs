using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Hosting;

public sealed class ModelHealthCheckTests
{
    private static async Task<HealthReportEntry> CheckAsync(
        Qwen3NextEngineStatus status, Qwen3NextLoadMode load = Qwen3NextLoadMode.OnFirstUse, HealthStatus? failure = null, string? name = null)
    {
        var services = new ServiceCollection().AddLogging();
        var engine = new ScriptedEngine { Status = status };
        services.AddKeyedSingleton<IQwen3NextEngine>(name, engine);
        void Configure(Qwen3NextOptions options) => (options.ModelPath, options.Load) = (ByteTokenizer.Folder, load);
        if (name is null) services.AddQwen3Next(Configure);
        else services.AddQwen3Next(name, Configure);
        services.AddHealthChecks().AddQwen3Next(name, failure);
        await using var provider = services.BuildServiceProvider();
        var report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Empty(engine.Requests); // no inference inside the probe
        return report.Entries[name is null ? "qwen3next" : $"qwen3next:{name}"];
    }

    [Theory]
    [InlineData(Qwen3NextEngineState.Ready, Qwen3NextLoadMode.OnFirstUse, HealthStatus.Healthy)]
    [InlineData(Qwen3NextEngineState.NotLoaded, Qwen3NextLoadMode.OnFirstUse, HealthStatus.Healthy)]
    [InlineData(Qwen3NextEngineState.NotLoaded, Qwen3NextLoadMode.OnHostStart, HealthStatus.Unhealthy)]
    [InlineData(Qwen3NextEngineState.Loading, Qwen3NextLoadMode.OnHostStart, HealthStatus.Degraded)]
    [InlineData(Qwen3NextEngineState.Failed, Qwen3NextLoadMode.OnFirstUse, HealthStatus.Unhealthy)]
    [InlineData(Qwen3NextEngineState.Draining, Qwen3NextLoadMode.OnFirstUse, HealthStatus.Unhealthy)]
    [InlineData(Qwen3NextEngineState.Disposed, Qwen3NextLoadMode.OnFirstUse, HealthStatus.Unhealthy)]
    public async Task Check_State_DecidesTheHealth(Qwen3NextEngineState state, Qwen3NextLoadMode load, HealthStatus health)
    {
        var entry = await CheckAsync(new Qwen3NextEngineStatus { State = state }, load);
        Assert.Equal((health, state.ToString()), (entry.Status, entry.Data["state"]));
        Assert.Equal(["ready"], entry.Tags);
    }

    [Theory]
    [InlineData(2, 3, HealthStatus.Healthy)]
    [InlineData(3, 3, HealthStatus.Degraded)]
    [InlineData(0, 0, HealthStatus.Healthy)]
    public async Task Check_Queue_IsDegradedWhenFull(int waiting, int most, HealthStatus health)
    {
        var status = new Qwen3NextEngineStatus
        {
            State = Qwen3NextEngineState.Ready, RunningRequests = 1, WaitingRequests = waiting, MaxWaitingRequests = most, KvCacheTokens = 64, UsedKvCacheTokens = 16,
        };
        var entry = await CheckAsync(status, name: "m");
        Assert.Equal(health, entry.Status);
        Assert.Equal((1, waiting, 64, 16), (entry.Data["running_requests"], entry.Data["waiting_requests"], entry.Data["kv_cache_tokens"], entry.Data["used_kv_cache_tokens"]));
    }

    [Fact]
    public async Task Check_Failure_CarriesTheErrorAndTheChosenStatus()
    {
        var failure = new Qwen3NextException("The weights are gone.");
        var entry = await CheckAsync(new Qwen3NextEngineStatus { State = Qwen3NextEngineState.Failed, Failure = failure }, failure: HealthStatus.Degraded);
        Assert.Equal((HealthStatus.Degraded, "The weights are gone."), (entry.Status, entry.Description));
        Assert.Same(failure, entry.Exception);
    }

    [Fact]
    public void AddQwen3Next_NullBuilder_Throws() =>
        Assert.Throws<ArgumentNullException>("builder", () => ((IHealthChecksBuilder)null!).AddQwen3Next());
}
