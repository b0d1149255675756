using System.ComponentModel;
using Microsoft.Extensions.AI;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>The client under UseFunctionInvocation().</summary>
public sealed class FunctionInvocationTests
{
    [Description("Adds two numbers.")]
    private static int Add(int a, int b) => a + b;

    [Fact]
    public async Task UseFunctionInvocation_ToolLoop_KeepsReasoningAndAnswers()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking)
            .Reply("I add.", "\n</think>", "\n\n", """<tool_call>{"name": "Add", "arguments": {"a": 2, "b": 3}}</tool_call>""")
            .Reply("Five.", "\n</think>", "\n\n", "It is 5.");
        using var client = new Qwen3NextChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("2+3?", new ChatOptions { Tools = [AIFunctionFactory.Create(Add)] });
        Assert.Equal("It is 5.", response.Text);
        Assert.EndsWith("<|im_start|>assistant\n<think>\nI add.\n</think>\n\n<tool_call>\n{\"name\": \"Add\", \"arguments\": {\"a\": 2, \"b\": 3}}\n</tool_call><|im_end|>\n" +
            "<|im_start|>user\n<tool_response>\n5\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n", engine.Prompts[1]);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(m => m.Role));
        Assert.Equal(engine.Requests.Sum(r => r.Prompt.Length), response.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task UseFunctionInvocation_Streaming_GivesTheSameConversation()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking)
            .Reply("I add.", "\n</think>", "\n\n", """<tool_call>{"name": "Add", "arguments": {"a": 2, "b": 3}}</tool_call>""", """<tool_call>{"name": "Add", "arguments": {"a": 1, "b": 1}}</tool_call>""")
            .Reply("Seven.", "\n</think>", "\n\n", "It is ", "7.");
        using var client = new Qwen3NextChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetStreamingResponseAsync("2+3+(1+1)?", new ChatOptions { Tools = [AIFunctionFactory.Create(Add)] }).ToChatResponseAsync();
        Assert.Equal("It is 7.", response.Text);
        Assert.EndsWith("<tool_response>\n5\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n", engine.Prompts[1]);
        Assert.Contains("<think>\nI add.\n</think>", engine.Prompts[1]);
    }

    [Fact]
    public async Task UseFunctionInvocation_HiddenReasoning_StillReachesTheModelAgain()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking)
            .Reply("I add.", "\n</think>", "\n\n", """<tool_call>{"name": "Add", "arguments": {"a": 2, "b": 3}}</tool_call>""")
            .Reply("Five.", "\n</think>", "\n\n", "It is 5.");
        using var client = new Qwen3NextChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("2+3?",
            new ChatOptions { Tools = [AIFunctionFactory.Create(Add)], Reasoning = new() { Output = ReasoningOutput.None } });
        Assert.Contains("<think>\nI add.\n</think>\n\n<tool_call>", engine.Prompts[1]);
        Assert.All(response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>(), c => Assert.Equal("", c.Text));
        Assert.DoesNotContain(response.Messages[^1].Contents, c => c is TextReasoningContent);
    }

    [Fact]
    public async Task UseFunctionInvocation_TruncatedCall_InvokesNothing()
    {
        var invoked = false;
        var engine = new ScriptedEngine().Reply("""<tool_call>{"name": "fire", "arguments": {"x": """);
        using var client = new Qwen3NextChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("Go", new ChatOptions { Tools = [AIFunctionFactory.Create(() => { invoked = true; }, "fire")] });
        Assert.False(invoked);
        Assert.Single(response.Messages[0].Contents.OfType<ErrorContent>());
        Assert.Single(engine.Requests);
    }

    [Fact]
    public async Task Middleware_TelemetryLoggingAndCaching_WorkOnTop()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("hm", "</think>", "yes");
        using var client = new Qwen3NextChatClient(engine).AsBuilder()
            .UseDistributedCache(new MemoryCache()).UseOpenTelemetry().UseLogging(Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance).Build();
        var first = await client.GetResponseAsync("Hi");
        var second = await client.GetResponseAsync("Hi"); // the engine has one script: this one comes from the cache
        Assert.Equal(("yes", "yes"), (first.Text, second.Text));
        Assert.Equal("hm", second.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text);
        Assert.Equal(ChatFinishReason.Stop, second.FinishReason);
    }

    private sealed class MemoryCache : Microsoft.Extensions.Caching.Distributed.IDistributedCache
    {
        private readonly Dictionary<string, byte[]> _values = [];

        public byte[]? Get(string key) => _values.GetValueOrDefault(key);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

        public void Set(string key, byte[] value, Microsoft.Extensions.Caching.Distributed.DistributedCacheEntryOptions options) => _values[key] = value;

        public Task SetAsync(string key, byte[] value, Microsoft.Extensions.Caching.Distributed.DistributedCacheEntryOptions options, CancellationToken token = default)
        {
            Set(key, value, options);
            return Task.CompletedTask;
        }

        public void Refresh(string key) { }

        public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

        public void Remove(string key) => _values.Remove(key);

        public Task RemoveAsync(string key, CancellationToken token = default)
        {
            Remove(key);
            return Task.CompletedTask;
        }
    }
}
