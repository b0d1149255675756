using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using Xunit;

namespace Qwen3Next.AI.Tests.Endpoint;

/// <summary>AddQwen3Next with an endpoint: retries, hosting, health, Semantic Kernel.</summary>
public sealed class EndpointRegistrationTests : IDisposable
{
    private readonly ReplayServer _server = new();

    private static readonly string[] s_answer = [WireFormat.Of("vllm").Reasoning("hm"), WireFormat.Of("vllm").Text("yes"), WireFormat.Of("vllm").Finish("stop")];

    private void Configure(Qwen3NextOptions options) => (options.Endpoint, options.ModelId) = (_server.Address, "m");

    [Fact]
    public async Task AddQwen3Next_EndpointFromConfiguration_RunsInAHostWithoutAnEngine()
    {
        _server.Stream(s_answer);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Qwen3Next:far:Endpoint"] = _server.Address.ToString(), ["Qwen3Next:far:ModelId"] = "m", ["Qwen3Next:far:Load"] = "OnHostStart",
        });
        builder.AddQwen3Next("far");
        using var host = builder.Build();
        await host.StartAsync();
        Assert.Equal("yes", (await host.Services.GetRequiredKeyedService<IChatClient>("far").GetResponseAsync("Hi")).Text);
        var error = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredKeyedService<IQwen3NextEngine>("far"));
        Assert.Contains("no IQwen3NextEngine in this process", error.Message);
        await host.StopAsync();
    }

    [Fact]
    public async Task Retry_OverloadedServer_IsAskedAgain()
    {
        _server.Fail(503, retryAfter: "0").Fail(429, retryAfter: "0").Stream(s_answer);
        var services = new ServiceCollection();
        services.AddQwen3Next(Configure);
        services.AddQwen3Next(Configure); // registered twice, retried once
        await using var provider = services.BuildServiceProvider();
        Assert.Equal("yes", (await provider.GetRequiredService<IChatClient>().GetResponseAsync("Hi")).Text);
        Assert.Equal(3, _server.Requests.Count);
        Assert.Single(_server.Requests.Select(r => r.Body).Distinct());
    }

    [Fact]
    public async Task Retry_StaysOverloaded_EndsWithTheTypedError()
    {
        for (var i = 0; i < 4; i++) _server.Fail(503, retryAfter: "0");
        var services = new ServiceCollection();
        services.AddQwen3Next(Configure);
        await using var provider = services.BuildServiceProvider();
        await Assert.ThrowsAsync<QueueFullException>(() => provider.GetRequiredService<IChatClient>().GetResponseAsync("Hi"));
        Assert.Equal(4, _server.Requests.Count);
    }

    [Theory]
    [InlineData(200, HealthStatus.Healthy)]
    [InlineData(500, HealthStatus.Unhealthy)]
    public async Task HealthCheck_Endpoint_ListsTheModels(int status, HealthStatus health)
    {
        _server.Fail(status, """{"object":"list","data":[]}""");
        var services = new ServiceCollection().AddLogging();
        services.AddQwen3Next(Configure);
        services.AddHealthChecks().AddQwen3Next();
        await using var provider = services.BuildServiceProvider();
        Assert.Equal(health, (await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status);
        Assert.Equal(("GET", "/v1/models"), (Assert.Single(_server.Requests).Method, _server.Requests.First().Path));
    }

    [Fact]
    public async Task SemanticKernel_Endpoint_IsAChatCompletionServiceWithReasoning()
    {
        _server.Stream(s_answer);
        var kernel = Kernel.CreateBuilder().AddQwen3NextChatCompletion(Configure).Build();
        var service = kernel.GetRequiredService<IChatCompletionService>();
        var answer = await service.GetChatMessageContentAsync("Hi");
        Assert.Equal(("m", "yes", "hm"), (service.GetModelId(), answer.Content, answer.Items.OfType<ReasoningContent>().Single().Text));
    }

    public void Dispose() => _server.Dispose();
}
