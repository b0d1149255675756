using System.ClientModel;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>OpenAI's own client for .NET, pointed at this server and otherwise as it is.</summary>
public sealed class OpenAIClientTests(TinyServer tiny)
{
    private static readonly ChatTool s_calculate = ChatTool.CreateFunctionTool("calculate", "Evaluates an arithmetic expression.",
        BinaryData.FromString("""{"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"]}"""));

    private async Task<OpenAIClient> ClientAsync() =>
        new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = (await tiny.StartedAsync()).Version1 });

    private async Task<ChatClient> ChatAsync() => (await ClientAsync()).GetChatClient(TinyServer.Model);

    [Fact]
    public async Task Chat_WholeAndStreamed_AreTheSameAnswer()
    {
        var chat = await ChatAsync();
        var options = new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 100 };
        ChatMessage[] messages = [new SystemChatMessage("You are a helpful assistant."), new UserChatMessage("What is 2 + 2?")];
        ChatCompletion whole = await chat.CompleteChatAsync(messages, options);
        var (text, pieces, usage) = ("", 0, default(ChatTokenUsage));
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, options))
        {
            Assert.Equal(TinyServer.Model, update.Model);
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            pieces++;
            usage = update.Usage ?? usage;
        }
        Assert.Contains("4", whole.Content[0].Text, StringComparison.Ordinal);
        Assert.Equal(whole.Content[0].Text, text);
        Assert.Equal((ChatFinishReason.Stop, TinyServer.Model), (whole.FinishReason, whole.Model));
        Assert.True(pieces > 3);
        Assert.Equal((whole.Usage.InputTokenCount, whole.Usage.OutputTokenCount, whole.Usage.TotalTokenCount), (usage!.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.InRange(whole.Usage.OutputTokenDetails.ReasoningTokenCount, 1, whole.Usage.OutputTokenCount - 1);
        Assert.True(usage.InputTokenDetails.CachedTokenCount > 0, "the second prompt was not taken from the cache");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_ToolLoop_CallsAndUsesTheResult(bool streams)
    {
        var chat = await ChatAsync();
        var options = new ChatCompletionOptions { Temperature = 0, Tools = { s_calculate } };
        List<ChatMessage> messages = [new UserChatMessage("What is 37 * 12?")];
        var calls = streams ? await StreamedCallsAsync(chat, messages, options) : [.. (await chat.CompleteChatAsync(messages, options)).Value.ToolCalls];
        var call = Assert.Single(calls);
        Assert.Equal("calculate", call.FunctionName);
        Assert.Equal("37 * 12", JsonElement.Parse(call.FunctionArguments.ToString()).GetProperty("expression").GetString());
        messages.AddRange([new AssistantChatMessage(calls), new ToolChatMessage(call.Id, "444")]);
        ChatCompletion answer = await chat.CompleteChatAsync(messages, options);
        Assert.Contains("444", answer.Content[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_RequiredToolAndSchema_AreEnforced()
    {
        var chat = await ChatAsync();
        ChatCompletion called = await chat.CompleteChatAsync([new UserChatMessage("Hello!")],
            new ChatCompletionOptions { Temperature = 0, Tools = { s_calculate }, ToolChoice = ChatToolChoice.CreateRequiredChoice(), AllowParallelToolCalls = false, MaxOutputTokenCount = 300 });
        Assert.Equal("calculate", Assert.Single(called.ToolCalls).FunctionName);
        ChatCompletion json = await chat.CompleteChatAsync([new UserChatMessage("Hello!")], new ChatCompletionOptions
        {
            Temperature = 0,
            MaxOutputTokenCount = 400,
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("answer", BinaryData.FromString(
                """{"type":"object","properties":{"word":{"enum":["yes","no"]}},"required":["word"],"additionalProperties":false}"""), jsonSchemaIsStrict: true),
        });
        Assert.Contains(JsonElement.Parse(json.Content[0].Text).GetProperty("word").GetString(), (string[])["yes", "no"]);
    }

    [Fact]
    public async Task Chat_LogProbabilities_ArePerToken()
    {
        ChatCompletion answer = await (await ChatAsync()).CompleteChatAsync([new UserChatMessage("Hello!")],
            new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 4, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 });
        Assert.Equal((4, ChatFinishReason.Length), (answer.ContentTokenLogProbabilities.Count, answer.FinishReason));
        Assert.All(answer.ContentTokenLogProbabilities, token => Assert.Equal((true, 2), (token.LogProbability <= 0, token.TopLogProbabilities.Count)));
    }

    [Fact]
    public async Task Embeddings_SeveralTexts_ComeInOrder()
    {
        var client = (await ClientAsync()).GetEmbeddingClient(TinyServer.EmbeddingModel);
        OpenAIEmbeddingCollection together = await client.GenerateEmbeddingsAsync(["Hello!", "What is 2 + 2?"], new EmbeddingGenerationOptions { Dimensions = 16 });
        OpenAIEmbedding alone = await client.GenerateEmbeddingAsync("What is 2 + 2?", new EmbeddingGenerationOptions { Dimensions = 16 });
        Assert.Equal((2, 16), (together.Count, alone.ToFloats().Length));
        Assert.Equal(alone.ToFloats().ToArray(), together[1].ToFloats().ToArray());
        Assert.NotEqual(alone.ToFloats().ToArray(), together[0].ToFloats().ToArray());
        Assert.True(together.Usage.InputTokenCount > 0);
    }

    [Fact]
    public async Task Models_Listed_AreTheServedOnes()
    {
        var models = (await ClientAsync()).GetOpenAIModelClient();
        Assert.Equal([TinyServer.Model, TinyServer.EmbeddingModel], (await models.GetModelsAsync()).Value.Select(m => m.Id));
        Assert.Equal(TinyServer.Model, (await models.GetModelAsync(TinyServer.Model)).Value.Id);
        Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => models.GetModelAsync("gpt-4o"))).Status);
    }

    [Fact]
    public async Task Errors_OfTheServer_AreTheClientsWithTheirMessage()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(async () => await (await ClientAsync()).GetChatClient("gpt-4o").CompleteChatAsync("Hello!"));
        Assert.Equal(404, error.Status);
        Assert.Contains($"there is '{TinyServer.Model}'", error.Message, StringComparison.Ordinal);
        var chat = await ChatAsync();
        var tooLong = await Assert.ThrowsAsync<ClientResultException>(async () =>
        {
            await foreach (var _ in chat.CompleteChatStreamingAsync([new UserChatMessage(string.Concat(Enumerable.Repeat("word ", 3000)))])) Assert.Fail("an answer began");
        });
        Assert.Equal(400, tooLong.Status);
        Assert.Contains("--context", tooLong.Message, StringComparison.Ordinal);
    }

    private static async Task<List<ChatToolCall>> StreamedCallsAsync(ChatClient chat, List<ChatMessage> messages, ChatCompletionOptions options)
    {
        var calls = new List<ChatToolCall>();
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, options))
            calls.AddRange(update.ToolCallUpdates.Select(call => ChatToolCall.CreateFunctionToolCall(call.ToolCallId, call.FunctionName, call.FunctionArgumentsUpdate)));
        return calls;
    }
}
