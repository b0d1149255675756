using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Hosting;

/// <summary>What a host does with models when it starts and stops.</summary>
public sealed class ModelLifetimeTests
{
    private static HostApplicationBuilder Builder(params (string Key, string? Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        return builder;
    }

    private static IHost WithEngine(ScriptedEngine engine, params (string Key, string? Value)[] settings)
    {
        var builder = Builder([("Qwen3Next:ModelPath", ByteTokenizer.Folder), .. settings]);
        builder.Services.AddSingleton<IQwen3NextEngine>(engine);
        builder.AddQwen3Next();
        return builder.Build();
    }

    [Fact]
    public async Task Start_OnFirstUse_LoadsNothing()
    {
        var engine = new ScriptedEngine();
        using var host = WithEngine(engine);
        await host.StartAsync();
        Assert.False(engine.Loaded);
    }

    [Fact]
    public async Task Start_OnHostStart_LoadsReportsAndAnswersOnce()
    {
        var (big, small, seen) = (new ScriptedEngine().Reply("warm"), new ScriptedEngine(), new Recorder());
        var builder = Builder(("Qwen3Next:big:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:big:Load", "OnHostStart"), ("Qwen3Next:small:ModelPath", ByteTokenizer.Folder));
        builder.Services.AddKeyedSingleton<IQwen3NextEngine>("big", big).AddKeyedSingleton<IQwen3NextEngine>("small", small);
        builder.Services.AddSingleton<IProgress<Qwen3NextLoadProgress>>(seen);
        builder.AddQwen3Next("big");
        builder.AddQwen3Next("small");
        using var host = builder.Build();
        await host.StartAsync();
        Assert.True(big.Loaded);
        Assert.Equal([1, 2, 3], seen.Values.Select(p => p.BytesLoaded >> 20));
        Assert.Equal(2, Assert.Single(big.Requests).MaxTokens);
        Assert.Equal((0, 0), (big.Running, big.Abandoned));
        Assert.False(small.Loaded);
    }

    [Fact]
    public async Task Start_Cancelled_EndsTheLoad()
    {
        var engine = new ScriptedEngine();
        using var host = WithEngine(engine, ("Qwen3Next:Load", "OnHostStart"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.StartAsync(new CancellationToken(canceled: true)));
        Assert.False(engine.Loaded);
    }

    [Fact]
    public async Task Stop_RunningRequest_IsAwaited()
    {
        var engine = new ScriptedEngine().ReplyAndHang("a");
        using var host = WithEngine(engine);
        await host.StartAsync();
        using var leave = new CancellationTokenSource();
        var answer = host.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hi", cancellationToken: leave.Token);
        await engine.Hanging.Task;
        var stopping = host.StopAsync();
        await Task.Delay(50);
        Assert.True(engine.Draining);
        Assert.False(stopping.IsCompleted);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await stopping;
        Assert.False(engine.Disposed);
    }

    [Fact]
    public async Task Stop_AfterTheDrainTimeout_EndsTheEngine()
    {
        var engine = new ScriptedEngine().ReplyAndHang("a");
        using var host = WithEngine(engine, ("Qwen3Next:DrainTimeout", "00:00:00.02"));
        await host.StartAsync();
        using var leave = new CancellationTokenSource();
        var answer = host.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hi", cancellationToken: leave.Token);
        await engine.Hanging.Task;
        await host.StopAsync();
        Assert.True(engine.Disposed);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    private sealed class Recorder : IProgress<Qwen3NextLoadProgress>
    {
        public List<Qwen3NextLoadProgress> Values { get; } = [];

        public void Report(Qwen3NextLoadProgress value) => Values.Add(value);
    }
}
