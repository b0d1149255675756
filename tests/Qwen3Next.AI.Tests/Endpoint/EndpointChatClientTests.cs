using System.Text.Json;
using Microsoft.Extensions.AI;
using Xunit;

namespace Qwen3Next.AI.Tests.Endpoint;

/// <summary>The client over a server: both servers' wire formats, replayed by a local one.</summary>
public sealed class EndpointChatClientTests : IDisposable
{
    private const string Model = "Qwen/Qwen3-Next-80B-A3B-Thinking";
    private readonly ReplayServer _server = new();
    private readonly HttpClient _http = new();

    public static TheoryData<string> Servers => [.. WireFormat.Names];

    private Qwen3NextEndpointChatClient Client(Action<Qwen3NextOptions>? configure = null)
    {
        var options = new Qwen3NextOptions { Endpoint = _server.Address, ModelId = Model };
        configure?.Invoke(options);
        return new Qwen3NextEndpointChatClient(_http, options);
    }

    private static string[] Answer(WireFormat wire) =>
    [
        wire.Role(), wire.Reasoning("The sum"), wire.Reasoning(" is 4.\n"), wire.Text("\n\n"), wire.Text("It is "), wire.Text("4 ✓"),
        wire.Finish("stop"), wire.Usage(12, 9, 6, 4),
    ];

    private static string[] Call(WireFormat wire) =>
    [
        wire.Role(), wire.Reasoning("I add."), wire.CallStart(0, "call_x", "add"), wire.CallArguments(0, "{\"a\": 2"), wire.CallArguments(0, ", \"b\": 3}"),
        wire.Finish("tool_calls"), wire.Usage(12, 9, 6, 4),
    ];

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Answer_ThinkingAndText_IsOfTheFormThatAModelInProcessGives(string server)
    {
        _server.Stream(Answer(WireFormat.Of(server)));
        using var client = Client();
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync("2+2?")) updates.Add(update);
        var response = updates.ToChatResponse();
        Assert.Equal("It is 4 ✓", response.Text);
        Assert.Equal([typeof(TextReasoningContent), typeof(TextContent)], response.Messages.Single().Contents.Select(c => c.GetType()));
        Assert.Equal("The sum is 4.", Assert.IsType<TextReasoningContent>(response.Messages[0].Contents[0]).Text);
        Assert.Equal((12, 9, 21, 6), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount, response.Usage.CachedInputTokenCount));
        Assert.Equal(WireFormat.Of(server).IsSglang ? 4 : null, response.Usage.ReasoningTokenCount);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.True(updates.Count > 3);
        Assert.All(updates, u => Assert.Equal((updates[0].ResponseId, updates[0].MessageId, Model, ChatRole.Assistant, 2025), (u.ResponseId, u.MessageId, u.ModelId, u.Role, u.CreatedAt!.Value.Year)));
        Assert.Single(updates.SelectMany(u => u.Contents).OfType<UsageContent>());
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task ToolLoop_CallAndResult_GoToTheServerWithTheThinking(string server)
    {
        var wire = WireFormat.Of(server);
        _server.Stream(Call(wire)).Stream(Answer(wire));
        using var client = Client().AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("2+3?", new ChatOptions { Tools = [AIFunctionFactory.Create((int a, int b) => a + b, "add", "Adds.")] });
        Assert.Equal("It is 4 ✓", response.Text);
        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.NotEqual("call_x", call.CallId); // servers repeat their ids
        var tool = _server.Body(0).GetProperty("tools")[0].GetProperty("function");
        Assert.Equal(("add", "Adds."), (tool.GetProperty("name").GetString(), tool.GetProperty("description").GetString()));
        var messages = _server.Body(1).GetProperty("messages");
        Assert.Equal(["user", "assistant", "tool"], messages.EnumerateArray().Select(m => m.GetProperty("role").GetString()));
        Assert.Equal(("I add.", "I add."), (messages[1].GetProperty("reasoning_content").GetString(), messages[1].GetProperty("reasoning").GetString()));
        var sent = messages[1].GetProperty("tool_calls")[0];
        Assert.Equal(("add", """{"a":2,"b":3}"""), (sent.GetProperty("function").GetProperty("name").GetString(), sent.GetProperty("function").GetProperty("arguments").GetString()));
        Assert.Equal(("5", sent.GetProperty("id").GetString()), (messages[2].GetProperty("content").GetString(), messages[2].GetProperty("tool_call_id").GetString()));
    }

    [Fact]
    public async Task Usage_MoreReasoningThanOutput_IsCountedAsOutput()
    {
        // SGLang counts the mark of the end of thinking twice.
        var wire = WireFormat.Of("sglang");
        _server.Stream(wire.Reasoning("The"), wire.Finish("length"), wire.Usage(12, 24, 0, 25));
        using var client = Client();
        var usage = (await client.GetResponseAsync("2+2?")).Usage!;
        Assert.Equal((24, 24, 36), (usage.OutputTokenCount, usage.ReasoningTokenCount, usage.TotalTokenCount));
    }

    [Fact]
    public async Task Request_AllOptions_AreSentByTheServersNames()
    {
        _server.Stream(Answer(WireFormat.Of("vllm")));
        using var client = Client(o => (o.EndpointApiKey, o.Defaults) = ("key", new Qwen3NextGenerationOptions { MinP = 0.5f, TopP = 0.25f }));
        await client.GetResponseAsync("Hi", new ChatOptions
        {
            Instructions = "Be brief.", Temperature = 0.5f, TopK = 0, TopP = 0.75f, FrequencyPenalty = 1, PresencePenalty = -1, Seed = long.MaxValue, MaxOutputTokens = 7, StopSequences = ["END"],
            AllowMultipleToolCalls = false, ToolMode = ChatToolMode.RequireSpecific("f"), Tools = [AIFunctionFactory.Create(() => 1, "f")], ModelId = Model,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object"}"""), "thing", "A thing."),
            AdditionalProperties = new() { ["repetition_penalty"] = 1.5, ["logit_bias"] = new Dictionary<int, float> { [5] = -1 }, ["enable_thinking"] = false },
        });
        var body = _server.Body();
        var expected = JsonElement.Parse("""
            {"stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"top_k":-1,"top_p":0.75,"min_p":0.5,"frequency_penalty":1,"presence_penalty":-1,
             "repetition_penalty":1.5,"seed":9223372036854775807,"max_tokens":7,"stop":["END"],"logit_bias":{"5":-1},"chat_template_kwargs":{"enable_thinking":false},
             "parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"f"}},
             "response_format":{"type":"json_schema","json_schema":{"name":"thing","description":"A thing.","schema":{"type":"object"},"strict":true}}}
            """);
        foreach (var member in expected.EnumerateObject()) Assert.True(JsonElement.DeepEquals(member.Value, body.GetProperty(member.Name)), body.GetProperty(member.Name).GetRawText());
        Assert.Equal((Model, "Be brief."), (body.GetProperty("model").GetString(), body.GetProperty("messages")[0].GetProperty("content").GetString()));
        Assert.Equal(("POST", "/v1/chat/completions", "Bearer key"), (_server.Requests.First().Method, _server.Requests.First().Path, _server.Requests.First().Authorization));
    }

    [Fact]
    public async Task Request_NoOptions_LeavesEverythingToTheServer()
    {
        _server.Stream(Answer(WireFormat.Of("sglang")));
        using var client = Client();
        await client.GetResponseAsync("Hi", new ChatOptions { ToolMode = ChatToolMode.None, Tools = [AIFunctionFactory.Create(() => 1, "f")] });
        Assert.Equal(["model", "stream", "stream_options", "messages"], _server.Body().EnumerateObject().Select(p => p.Name));
        Assert.Null(_server.Requests.First().Authorization);
    }

    [Theory]
    [InlineData("ConversationId")]
    [InlineData("ModelId")]
    [InlineData("thinking_budget")]
    [InlineData("Pattern")]
    [InlineData("Temperature")]
    public async Task Request_WhatNoServerCanDo_IsRefusedByNameAndNotSent(string member)
    {
        var options = member switch
        {
            "ConversationId" => new ChatOptions { ConversationId = "c" },
            "ModelId" => new ChatOptions { ModelId = "other" },
            "thinking_budget" => new ChatOptions { AdditionalProperties = new() { ["thinking_budget"] = 10 } },
            "Pattern" => new ChatOptions { RawRepresentationFactory = _ => new Qwen3NextGenerationOptions { Pattern = "a" } },
            _ => new ChatOptions { Temperature = -1 },
        };
        using var client = Client();
        var error = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync("Hi", options));
        Assert.Contains(member, error.Message);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("length", "{\"a\": 2")]
    [InlineData("tool_calls", "{\"a\": 2")]
    [InlineData("tool_calls", "[1]")]
    [InlineData("tool_calls", "{\"a\": 1, \"a\": 2}")]
    public async Task Call_CutOffOrInvalid_IsAnErrorAndNeverACall(string finish, string arguments)
    {
        var wire = WireFormat.Of("vllm");
        _server.Stream(wire.CallStart(0, "x", "add"), wire.CallArguments(0, arguments), wire.Finish(finish));
        using var client = Client();
        var response = await client.GetResponseAsync("Hi", new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "add")] });
        Assert.Equal("InvalidToolCall", Assert.IsType<ErrorContent>(Assert.Single(response.Messages[0].Contents)).ErrorCode);
        Assert.Equal(finish == "length" ? ChatFinishReason.Length : ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task Call_SeveralAndOneWithoutArguments_AreAllThereUnlessOneIsAllowed()
    {
        var wire = WireFormat.Of("sglang");
        string[] calls = [wire.CallStart(0, "x", "f"), wire.CallStart(1, "x", "g"), wire.CallArguments(1, "{\"n\": 1}"), wire.Finish("tool_calls")];
        _server.Stream(calls).Stream(calls);
        using var client = Client();
        var both = (await client.GetResponseAsync("Hi")).Messages[0].Contents.OfType<FunctionCallContent>().ToList();
        Assert.Equal([("f", 0), ("g", 1)], both.Select(c => (c.Name, c.Arguments!.Count)));
        Assert.NotEqual(both[0].CallId, both[1].CallId);
        Assert.Single((await client.GetResponseAsync("Hi", new ChatOptions { AllowMultipleToolCalls = false })).Messages[0].Contents);
    }

    [Fact]
    public async Task LogProbabilities_Asked_AreGivenAsTheServerSentThem()
    {
        const string Choice = """[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}]},"finish_reason":null}]""";
        _server.Stream($"{{\"id\":\"x\",\"choices\":{Choice}}}", $"{{\"id\":\"x\",\"choices\":{Choice}}}", WireFormat.Of("vllm").Finish("stop"));
        using var client = Client();
        var response = await client.GetResponseAsync("Hi", new ChatOptions { AdditionalProperties = new() { ["logprobs"] = true, ["top_logprobs"] = 0 } });
        Assert.Equal((true, 0), (_server.Body().GetProperty("logprobs").GetBoolean(), _server.Body().GetProperty("top_logprobs").GetInt32()));
        var tokens = Assert.IsType<JsonElement>(response.Messages[0].AdditionalProperties!["logprobs"]).EnumerateArray().ToList();
        Assert.Equal(["a", "a"], tokens.Select(t => t.GetProperty("token").GetString()));
    }

    [Fact]
    public async Task Reasoning_NotToBeShown_ReturnsInTheToolLoop()
    {
        var wire = WireFormat.Of("vllm");
        _server.Stream(Call(wire)).Stream(Answer(wire));
        using var client = Client().AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("2+3?", new ChatOptions
        {
            Reasoning = new ReasoningOptions { Output = ReasoningOutput.None }, Tools = [AIFunctionFactory.Create((int a, int b) => a + b, "add")],
        });
        Assert.DoesNotContain(response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>(), r => r.Text.Length > 0);
        Assert.Equal("I add.", _server.Body(1).GetProperty("messages")[1].GetProperty("reasoning_content").GetString());
    }

    [Theory]
    [InlineData(400, """{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000.","code":400}""", typeof(ContextLengthExceededException), "Shorten")]
    [InlineData(400, """{"error":{"message":"The input (9 tokens) is longer than the model's context length (8 tokens)."}}""", typeof(ContextLengthExceededException), "Shorten")]
    [InlineData(400, """{"error":{"message":"The prompt has 9 tokens; 8 are the limit.","code":"context_length_exceeded"}}""", typeof(ContextLengthExceededException), "Shorten")]
    [InlineData(400, """{"error":{"message":"bad schema"}}""", typeof(ArgumentException), "bad schema")]
    [InlineData(429, "busy", typeof(QueueFullException), "Try again later")]
    [InlineData(503, "", typeof(QueueFullException), "Try again later")]
    [InlineData(401, """{"error":"Unauthorized"}""", typeof(Qwen3NextException), "EndpointApiKey")]
    [InlineData(404, """{"error":{"message":"The model does not exist"}}""", typeof(Qwen3NextException), Model)]
    [InlineData(500, "<html>oops</html>", typeof(Qwen3NextException), "oops")]
    public async Task Error_OfTheServer_HasItsTypeAndRemedy(int status, string body, Type type, string part)
    {
        _server.Fail(status, body);
        using var client = Client();
        var error = await Assert.ThrowsAsync(type, () => client.GetResponseAsync("Hi"));
        Assert.Contains(part, error.Message);
        Assert.Contains($"answered {status}", error.Message);
    }

    [Theory]
    [InlineData("error", "out of memory")]
    [InlineData("no end", "without saying why")]
    [InlineData("break", "broke in the middle")]
    [InlineData("no json", "does not stream chat completions")]
    public async Task Error_InTheMiddle_EndsTheAnswer(string how, string part)
    {
        var wire = WireFormat.Of("vllm");
        if (how == "error") _server.Stream(wire.Text("a"), """{"error":{"object":"error","message":"out of memory","code":500}}""");
        else if (how == "no end") _server.Stream(wire.Text("a"));
        else if (how == "break") _server.StreamAndBreak(wire.Text("a"));
        else _server.Stream(wire.Text("a"), "hello");
        using var client = Client();
        var text = "";
        var error = await Assert.ThrowsAsync<Qwen3NextException>(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("Hi")) text += update.Text;
        });
        Assert.Equal("a", text);
        Assert.Contains(part, error.Message);
    }

    [Fact]
    public async Task Error_NoServer_SaysSo()
    {
        var address = _server.Address;
        _server.Dispose();
        using var client = new Qwen3NextEndpointChatClient(_http, new Qwen3NextOptions { Endpoint = address, ModelId = Model });
        Assert.Contains($"{address} cannot be reached", (await Assert.ThrowsAsync<Qwen3NextException>(() => client.GetResponseAsync("Hi"))).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_CancelledOrLeft_ClosesTheConnection(bool cancelled)
    {
        _server.StreamAndHang(WireFormat.Of("vllm").Text("a"));
        using var client = Client();
        using var cancel = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("Hi", cancellationToken: cancel.Token))
            {
                if (!cancelled) break;
                await cancel.CancelAsync();
            }
        });
        if (cancelled) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        else await reading;
        await _server.Left.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Members_WrongArgumentsAndServices()
    {
        using var client = Client();
        Assert.Throws<ArgumentNullException>("messages", () => { client.GetStreamingResponseAsync(null!); });
        Assert.Throws<ArgumentNullException>("http", () => new Qwen3NextEndpointChatClient(null!, new Qwen3NextOptions()));
        Assert.Throws<ArgumentException>("options", () => new Qwen3NextEndpointChatClient(_http, new Qwen3NextOptions { ModelId = "m" }));
        var metadata = client.GetService<ChatClientMetadata>()!;
        Assert.Equal(("qwen3next", _server.Address, Model), (metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId));
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<IQwen3NextEngine>());
        Assert.Null(client.GetService(typeof(ChatClientMetadata), "key"));
    }

    public void Dispose()
    {
        _http.Dispose();
        _server.Dispose();
    }
}
