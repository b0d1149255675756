using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>AddQwen3Next: names, options, validation, lifetimes.</summary>
public sealed class Qwen3NextRegistrationTests
{
    private static HostApplicationBuilder Host(params (string Key, string? Value)[] settings)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        return builder;
    }

    [Fact]
    public async Task AddQwen3Next_Unnamed_GivesOneClientWithConfiguredOptions()
    {
        var builder = Host(("Qwen3Next:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:Format", "Thinking"), ("Qwen3Next:MaxQueueLength", "3"),
            ("Qwen3Next:Defaults:Temperature", "0.5"), ("Qwen3Next:Defaults:StopSequences:0", "END"), ("Qwen3Next:Defaults:LogitBias:7", "-2"));
        var engine = new ScriptedEngine().Reply("yes");
        builder.Services.AddSingleton<IQwen3NextEngine>(engine);
        builder.AddQwen3Next(o => o.MaxQueueLength++);
        using var host = builder.Build();
        await host.StartAsync();

        var client = host.Services.GetRequiredService<IChatClient>();
        Assert.Same(client, host.Services.GetRequiredService<IChatClient>());
        Assert.IsType<Qwen3NextChatClient>(client); // nothing is put around it unasked
        Assert.Equal("yes", (await client.GetResponseAsync("Hi")).Text);
        var options = host.Services.GetRequiredService<IOptions<Qwen3NextOptions>>().Value;
        Assert.Equal((ByteTokenizer.Folder, Qwen3NextFormat.Thinking, 4, 0.5f), (options.ModelPath, options.Format, options.MaxQueueLength, options.Defaults.Temperature));
        Assert.Equal(["END"], options.Defaults.StopSequences!);
        Assert.Equal(-2, options.Defaults.LogitBias![7]);
    }

    [Fact]
    public async Task AddQwen3Next_Pipeline_CanBeExtended()
    {
        var builder = Host(("Qwen3Next:ModelPath", ByteTokenizer.Folder));
        builder.Services.AddSingleton<IQwen3NextEngine>(new ScriptedEngine().Reply("""<tool_call>{"name": "f", "arguments": {}}</tool_call>""").Reply("done"));
        builder.AddQwen3Next().UseFunctionInvocation();
        using var host = builder.Build();
        var client = host.Services.GetRequiredService<IChatClient>();
        Assert.Equal("done", (await client.GetResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "f")] })).Text);
        Assert.NotNull(client.GetService<Qwen3NextChatClient>());
    }

    [Fact]
    public void AddQwen3Next_Named_AreKeyedAndTheFirstIsTheDefault()
    {
        var builder = Host(("Qwen3Next:big:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:big:MaxQueueLength", "1"),
            ("Qwen3Next:small:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:small:MaxQueueLength", "2"));
        var (big, small) = (new ScriptedEngine(), new ScriptedEngine());
        builder.Services.AddKeyedSingleton<IQwen3NextEngine>("big", big).AddKeyedSingleton<IQwen3NextEngine>("small", small);
        builder.AddQwen3Next("big");
        builder.AddQwen3Next("small");
        using var host = builder.Build();
        Assert.Same(big, host.Services.GetRequiredKeyedService<IChatClient>("big").GetService<IQwen3NextEngine>());
        Assert.Same(small, host.Services.GetRequiredKeyedService<IChatClient>("small").GetService<IQwen3NextEngine>());
        Assert.Same(host.Services.GetRequiredKeyedService<IChatClient>("big"), host.Services.GetRequiredService<IChatClient>());
        var monitor = host.Services.GetRequiredService<IOptionsMonitor<Qwen3NextOptions>>();
        Assert.Equal((1, 2), (monitor.Get("big").MaxQueueLength, monitor.Get("small").MaxQueueLength));
    }

    [Fact]
    public void AddQwen3Next_UnnamedBesideNamed_IsTheDefault()
    {
        var services = new ServiceCollection();
        services.AddQwen3Next("named", o => o.ModelPath = ByteTokenizer.Folder);
        services.AddQwen3Next(o => o.ModelPath = ByteTokenizer.Folder);
        using var provider = services.BuildServiceProvider();
        Assert.NotSame(provider.GetRequiredKeyedService<IChatClient>("named"), provider.GetRequiredService<IChatClient>());
    }

    [Fact]
    public async Task AddQwen3Next_WrongOptions_StopTheHostAndListEveryFault()
    {
        var folder = Directory.CreateTempSubdirectory("qwen3next-empty-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "config.json"), "{}");
            var builder = Host(("Qwen3Next:ModelPath", folder.FullName), ("Qwen3Next:Threads", "0"), ("Qwen3Next:MaxContextTokens", "100"),
                ("Qwen3Next:MaxOutputTokens", "200"), ("Qwen3Next:MaxBatchTokens", "16"), ("Qwen3Next:MaxConcurrentRequests", "17"),
                ("Qwen3Next:Defaults:TopP", "0"), ("Qwen3Next:Defaults:Temperature", "-1"));
            builder.AddQwen3Next();
            using var host = builder.Build();
            var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
            string[] expected = ["tokenizer.json", "*.safetensors", "Threads", "MaxOutputTokens is 200", "MaxConcurrentRequests is 17", "TopP", "Temperature"];
            foreach (var part in expected) Assert.Contains(error.Failures, f => f.Contains(part, StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("ftp://gpu/v1", "m", null, "Endpoint is 'ftp://gpu/v1'; it must be an http or https address")]
    [InlineData("gpu", "m", null, "Endpoint is 'gpu'; it must be an http or https address")]
    [InlineData("http://gpu/v1", null, null, "ModelId is not set; with an Endpoint it must be the model's name there.")]
    [InlineData("http://gpu/v1", "m", "/models/m", "ModelPath and Endpoint are both set")]
    public async Task AddQwen3Next_WrongEndpoint_SaysWhatToChange(string endpoint, string? model, string? path, string part)
    {
        var builder = Host(("Qwen3Next:Endpoint", endpoint), ("Qwen3Next:ModelId", model), ("Qwen3Next:ModelPath", path));
        builder.AddQwen3Next();
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(part, Assert.Single(error.Failures));
    }

    [Fact]
    public async Task AddQwen3Next_FaultsOfSeveralModels_AreListedTogether()
    {
        var builder = Host(("Qwen3Next:a:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:a:MaxContextTokens", "65536"), ("Qwen3Next:a:DrainTimeout", "-00:00:01"),
            ("Qwen3Next:b:ModelPath", ByteTokenizer.Folder), ("Qwen3Next:b:MaxQueueLength", "-1"));
        builder.AddQwen3Next("a");
        builder.AddQwen3Next("b");
        using var host = builder.Build();
        var errors = (await Assert.ThrowsAsync<AggregateException>(() => host.StartAsync())).InnerExceptions.Cast<OptionsValidationException>().ToList();
        Assert.Equal(["a", "b"], errors.Select(e => e.OptionsName));
        Assert.Contains(errors[0].Failures, f => f.Contains("allows 32768 (max_position_embeddings)", StringComparison.Ordinal));
        Assert.Contains(errors[0].Failures, f => f.Contains("DrainTimeout is -00:00:01", StringComparison.Ordinal));
        Assert.Contains(errors[1].Failures, f => f.Contains("MaxQueueLength", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "Qwen3Next:m:ModelPath is not set. Name the checkpoint's folder, or the Endpoint of a server.")]
    [InlineData("/no/such/folder", "Qwen3Next:m:ModelPath: Folder /no/such/folder does not exist; give a folder")]
    public async Task AddQwen3Next_WrongModelPath_SaysWhatToChange(string? path, string part)
    {
        var builder = Host(("Qwen3Next:m:ModelPath", path));
        builder.AddQwen3Next("m");
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(part, Assert.Single(error.Failures));
    }

    [Fact]
    public async Task Container_Disposed_DisposesTheEngineItCreatedAfterTheClient()
    {
        var services = new ServiceCollection();
        var engine = new ScriptedEngine();
        services.AddSingleton<IQwen3NextEngine>(_ => engine);
        services.AddQwen3Next(o => o.ModelPath = ByteTokenizer.Folder);
        var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        client.Dispose();
        Assert.False(engine.Disposed);
        await provider.DisposeAsync();
        Assert.True(engine.Disposed);
    }

    [Fact]
    public void AddQwen3Next_WrongArguments_Throw()
    {
        Assert.Throws<ArgumentNullException>("services", () => ((IServiceCollection)null!).AddQwen3Next());
        Assert.Throws<ArgumentNullException>("builder", () => ((IHostApplicationBuilder)null!).AddQwen3Next());
        Assert.Throws<ArgumentException>("name", () => new ServiceCollection().AddQwen3Next(" "));
    }
}
