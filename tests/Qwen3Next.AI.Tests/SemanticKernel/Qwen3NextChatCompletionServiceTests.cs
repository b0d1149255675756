using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;
using Qwen3Next.AI.Tests.Grammar;
using Xunit;
using FunctionCallContent = Microsoft.SemanticKernel.FunctionCallContent;
using TextContent = Microsoft.SemanticKernel.TextContent;

namespace Qwen3Next.AI.Tests.SemanticKernel;

public sealed class Qwen3NextChatCompletionServiceTests
{
    private static readonly PromptExecutionSettings s_auto = new() { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

    private static ScriptedEngine Thinking(params string[] steps) => new ScriptedEngine(Qwen3NextFormat.Thinking).Reply(steps);

    private static ScriptedEngine ToolLoop() =>
        Thinking("I add.", "\n</think>", "\n\n", KernelFixture.AddCall).Reply("Five.", "\n</think>", "\n\n", "It is ", "5.");

    [Fact]
    public async Task InvokePrompt_Plain_Answers()
    {
        var kernel = KernelFixture.Build(Thinking("hm", "</think>", "yes"));
        var result = await kernel.InvokePromptAsync("Is {{$x}} fine?", new(new Qwen3NextPromptExecutionSettings { MaxTokens = 50 }) { ["x"] = "it" });
        Assert.Equal("yes", result.GetValue<string>());
    }

    [Fact]
    public async Task GetChatMessageContents_Answer_CarriesReasoningMetadataAndInnerContent()
    {
        var service = KernelFixture.Build(Thinking("hm", "</think>", "yes")).GetRequiredService<IChatCompletionService>();
        var message = Assert.Single(await service.GetChatMessageContentsAsync(new ChatHistory("Be brief.", AuthorRole.System) { new ChatMessageContent(AuthorRole.User, "Hi") }));
        Assert.Equal("scripted", service.GetModelId());
        Assert.Equal(("yes", AuthorRole.Assistant, "scripted"), (message.Content, message.Role, message.ModelId));
        Assert.Equal("hm", Assert.Single(message.Items.OfType<ReasoningContent>()).Text);
        Assert.IsType<ReasoningContent>(message.Items[0]);
        var metadata = message.Metadata!;
        Assert.Equal("stop", metadata["FinishReason"]);
        Assert.StartsWith("resp_", Assert.IsType<string>(metadata["Id"]));
        Assert.True(Assert.IsType<DateTimeOffset>(metadata["CreatedAt"]) > DateTimeOffset.UtcNow.AddMinutes(-1));
        Assert.Equal(2, Assert.IsType<UsageDetails>(metadata["Usage"]).ReasoningTokenCount);
        Assert.Equal(3.0, metadata["decode_ms"]);
        Assert.IsType<ChatResponse>(message.InnerContent);
    }

    [Fact]
    public async Task GetChatMessageContents_FunctionChoiceAuto_RunsThePluginUnderAllFilters()
    {
        var (engine, seen) = (ToolLoop(), new List<string>());
        var kernel = KernelFixture.Build(engine, seen);
        var history = new ChatHistory("2+3?", AuthorRole.User);
        var answer = await kernel.GetRequiredService<IChatCompletionService>().GetChatMessageContentAsync(history, s_auto, kernel);
        Assert.Equal("It is 5.", answer.Content);
        Assert.Equal(["auto Add", "function Add"], seen);
        Assert.Contains("\"name\": \"Calculator_Add\"", engine.Prompts[0]);
        Assert.Contains("<think>\nI add.\n</think>\n\n<tool_call>\n{\"name\": \"Calculator_Add\", \"arguments\": {\"a\": 2, \"b\": 3}}", engine.Prompts[1]);
        Assert.Contains("<tool_response>\n5\n</tool_response>", engine.Prompts[1]);
        CheckToolLoop(history);
    }

    [Fact]
    public async Task GetStreamingChatMessageContents_FunctionChoiceAuto_StreamsAndKeepsTheHistory()
    {
        var seen = new List<string>();
        var kernel = KernelFixture.Build(ToolLoop(), seen);
        var history = new ChatHistory("2+3?", AuthorRole.User);
        var chunks = new List<StreamingChatMessageContent>();
        await foreach (var chunk in kernel.GetRequiredService<IChatCompletionService>().GetStreamingChatMessageContentsAsync(history, s_auto, kernel)) chunks.Add(chunk);
        Assert.Equal("It is 5.", string.Concat(chunks.Select(c => c.Content)));
        Assert.Equal("I add.Five.", string.Concat(chunks.SelectMany(c => c.Items).OfType<StreamingReasoningContent>().Select(r => r.Text)));
        Assert.Equal(["auto Add", "function Add"], seen);
        Assert.All(chunks, c => Assert.IsType<ChatResponseUpdate>(c.InnerContent));
        Assert.Equal("stop", chunks[^1].Metadata!["FinishReason"]);
        Assert.IsType<UsageDetails>(chunks[^1].Metadata!["Usage"]);
        CheckToolLoop(history);
    }

    private static void CheckToolLoop(ChatHistory history)
    {
        Assert.Equal([AuthorRole.User, AuthorRole.Assistant, AuthorRole.Tool], history.Select(m => m.Role));
        Assert.Equal("I add.", history[1].Items.OfType<ReasoningContent>().Single().Text);
        var call = history[1].Items.OfType<FunctionCallContent>().Single();
        Assert.Equal(("Calculator", "Add"), (call.PluginName, call.FunctionName));
        var result = history[2].Items.OfType<Microsoft.SemanticKernel.FunctionResultContent>().Single();
        Assert.Equal(("Calculator", "Add", call.Id), (result.PluginName, result.FunctionName, result.CallId));
    }

    [Fact]
    public async Task GetChatMessageContents_ManualInvocation_RoundTripsThroughTheHistory()
    {
        var engine = ToolLoop();
        var kernel = KernelFixture.Build(engine);
        var service = kernel.GetRequiredService<IChatCompletionService>();
        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(autoInvoke: false) };
        var history = new ChatHistory("2+3?", AuthorRole.User);
        var first = await service.GetChatMessageContentAsync(history, settings, kernel);
        Assert.Equal("tool_calls", first.Metadata!["FinishReason"]);
        var call = Assert.Single(FunctionCallContent.GetFunctionCalls(first));
        history.Add(first);
        history.Add((await call.InvokeAsync(kernel)).ToChatMessage());
        Assert.Equal("It is 5.", (await service.GetChatMessageContentAsync(history, settings, kernel)).Content);
        Assert.EndsWith("<think>\nI add.\n</think>\n\n<tool_call>\n{\"name\": \"Calculator_Add\", \"arguments\": {\"a\": 2, \"b\": 3}}\n</tool_call><|im_end|>\n" +
            "<|im_start|>user\n<tool_response>\n5\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n", engine.Prompts[1]);
    }

    [Fact]
    public async Task GetStreamingChatMessageContents_ManualInvocation_BuilderFindsPluginAndArguments()
    {
        var kernel = KernelFixture.Build(ToolLoop());
        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(autoInvoke: false) };
        var calls = new FunctionCallContentBuilder();
        await foreach (var chunk in kernel.GetRequiredService<IChatCompletionService>().GetStreamingChatMessageContentsAsync(new ChatHistory("2+3?"), settings, kernel))
            calls.Append(chunk);
        var result = await Assert.Single(calls.Build()).InvokeAsync(kernel);
        Assert.Equal("5", result.Result?.ToString());
    }

    [Fact]
    public async Task InvokePromptStreaming_AsUpdatesOrReasoning_LosesNothing()
    {
        var kernel = KernelFixture.Build(Thinking("hm", "</think>", "yes").Reply("no", "</think>", "ok"));
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in kernel.InvokePromptStreamingAsync<ChatResponseUpdate>("Hi")) updates.Add(update);
        Assert.Equal(("yes", ChatFinishReason.Stop), (updates.ToChatResponse().Text, updates[^1].FinishReason!.Value));
        var text = "";
        await foreach (var part in kernel.InvokePromptStreamingAsync<string>("Hi")) text += part;
        Assert.Equal("ok", text);
    }

    [Fact]
    public async Task Prompt_FunctionChoiceRequired_LeavesNothingButACallAtFirst()
    {
        var engine = new ScriptedEngine().Reply(KernelFixture.AddCall).Reply("5");
        var kernel = KernelFixture.Build(engine);
        await kernel.GetRequiredService<IChatCompletionService>()
            .GetChatMessageContentAsync("Hi", new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Required() }, kernel);
        var call = engine.Tokenizer.FindToken("<tool_call>")!.Value;
        Assert.Equal([call], TokenMaskTests.Tokens(new GrammarState(engine.Requests[0].Grammar!, [258]).Allowed()));
        Assert.True(engine.Requests[1].Grammar is not { } free || TokenMaskTests.Tokens(new GrammarState(free, [258]).Allowed()).Count > 200);
    }

    [Fact]
    public async Task History_WithAnImage_IsRefusedByName()
    {
        var service = KernelFixture.Build(new ScriptedEngine()).GetRequiredService<IChatCompletionService>();
        var history = new ChatHistory { new ChatMessageContent(AuthorRole.User, [new TextContent("What is it?"), new ImageContent(new byte[] { 1 }, "image/png")]) };
        Assert.Contains("image/png", (await Assert.ThrowsAsync<NotSupportedException>(() => service.GetChatMessageContentAsync(history))).Message);
    }

    [Fact]
    public void Constructor_ForeignClient_Throws()
    {
        using var foreign = new ForeignClient();
        Assert.Contains("AddQwen3Next", Assert.Throws<ArgumentException>("chatClient", () => new Qwen3NextChatCompletionService(foreign)).Message);
    }

    private sealed class ForeignClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new InvalidOperationException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
