using Microsoft.Extensions.AI;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>The library's own client of such servers, pointed at this one: what arrives is what the model gives in process.</summary>
public sealed class EndpointClientTests(TinyServer tiny)
{
    private static readonly AIFunction s_calculate = AIFunctionFactory.Create((string expression) => expression == "37 * 12" ? "444" : "wrong", "calculate", "Evaluates an arithmetic expression.");

    private async Task<IChatClient> ClientAsync(string model = TinyServer.Model) =>
        new Qwen3NextEndpointChatClient(new HttpClient(), new Qwen3NextOptions { Endpoint = (await tiny.StartedAsync()).Version1, ModelId = model });

    [Fact]
    public async Task Answer_ThroughTheServer_IsThatOfTheProcess()
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 200 };
        using var client = await ClientAsync();
        var here = await tiny.InProcess.GetResponseAsync("What is 37 + 12?", options);
        var there = await client.GetResponseAsync("What is 37 + 12?", options);
        Assert.Equal(Parts(here), Parts(there));
        Assert.Equal(here.FinishReason, there.FinishReason);
        Assert.Equal((here.Usage!.InputTokenCount, here.Usage.OutputTokenCount, here.Usage.ReasoningTokenCount), (there.Usage!.InputTokenCount, there.Usage.OutputTokenCount, there.Usage.ReasoningTokenCount));
        Assert.True(there.Usage.AdditionalCounts!["OutputTokenDetails.AcceptedPredictionTokenCount"] > 0);
        Assert.Contains(there.Messages[0].Contents, content => content is TextReasoningContent { Text.Length: > 0 });
    }

    [Fact]
    public async Task ToolLoop_ThroughTheServer_EndsWithTheResult()
    {
        using var client = (await ClientAsync()).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("What is 37 * 12?", new ChatOptions { Temperature = 0, Tools = [s_calculate] });
        Assert.Contains("444", response.Text, StringComparison.Ordinal);
        Assert.Equal("37 * 12", response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Single().Arguments!["expression"]!.ToString());
    }

    [Fact]
    public async Task Errors_OfTheServer_AreThoseOfTheLibrary()
    {
        using var client = await ClientAsync();
        await Assert.ThrowsAsync<ContextLengthExceededException>(() => client.GetResponseAsync(string.Concat(Enumerable.Repeat("word ", 3000))));
        using var other = await ClientAsync("another");
        Assert.Contains("'another' is not served here", (await Assert.ThrowsAsync<Qwen3NextException>(() => other.GetResponseAsync("Hello!"))).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<(Type, string)> Parts(ChatResponse response) => response.Messages.SelectMany(m => m.Contents)
        .Where(c => c is not UsageContent).Select(c => (c.GetType(), c is TextReasoningContent r ? r.Text : c.ToString()!));
}
