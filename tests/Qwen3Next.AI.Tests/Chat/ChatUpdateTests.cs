using System.Text.Json;
using Microsoft.Extensions.AI;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>The shape of answers: ids, order, usage, finish reasons, reasoning, calls, stop sequences.</summary>
public sealed class ChatUpdateTests
{
    private const string Call = """<tool_call>{"name": "add", "arguments": {"a": 1, "b": "x"}}</tool_call>""";
    private static readonly AITool s_add = AIFunctionFactory.Create((int a, string b) => b + a, "add");

    private static async Task<List<ChatResponseUpdate>> StreamAsync(ScriptedEngine engine, ChatOptions? options = null)
    {
        using var client = new Qwen3NextChatClient(engine);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync("Hi", options)) updates.Add(update);
        return updates;
    }

    private static string Reasoning(IEnumerable<ChatResponseUpdate> updates) =>
        string.Concat(updates.SelectMany(u => u.Contents).OfType<TextReasoningContent>().Select(c => c.Text));

    private static string Text(IEnumerable<ChatResponseUpdate> updates) => string.Concat(updates.Select(u => u.Text));

    [Fact]
    public async Task Updates_AllCarryTheSameIdsRoleModelAndTime()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("hm", "</think>", "\n\nsum", Call).Reply("again</think>");
        var updates = await StreamAsync(engine, new ChatOptions { Tools = [s_add] });
        Assert.True(updates.Count > 3);
        Assert.False(string.IsNullOrEmpty(updates[0].ResponseId));
        Assert.False(string.IsNullOrEmpty(updates[0].MessageId));
        Assert.All(updates, u =>
        {
            Assert.Equal((updates[0].ResponseId, updates[0].MessageId, "scripted", ChatRole.Assistant), (u.ResponseId, u.MessageId, u.ModelId, u.Role));
            Assert.True(u.CreatedAt > DateTimeOffset.UtcNow.AddMinutes(-1));
            Assert.Null(u.ConversationId);
        });
        var next = await StreamAsync(engine);
        Assert.NotEqual(updates[0].ResponseId, next[0].ResponseId);
        Assert.NotEqual(updates[0].MessageId, next[0].MessageId);
    }

    [Fact]
    public async Task Contents_Order_IsReasoningTextCallsUsage()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("hm", "</think>\n\n", "before ", Call, "after");
        var kinds = (await StreamAsync(engine, new ChatOptions { Tools = [s_add] })).SelectMany(u => u.Contents).Select(c => c.GetType()).ToList();
        Assert.Equal(typeof(TextReasoningContent), kinds[0]);
        Assert.Equal([typeof(FunctionCallContent), typeof(UsageContent)], kinds[^2..]);
        Assert.Equal([typeof(TextReasoningContent), typeof(TextContent), typeof(FunctionCallContent), typeof(UsageContent)], kinds.Distinct());
    }

    [Fact]
    public async Task Usage_IsSingleInTheLastUpdateAndAddsUp()
    {
        // Thinking prompt: <|im_start|> u s e r \n H i <|im_end|> \n <|im_start|> a..t(9) \n <think> \n
        const int Prompt = 1 + 5 + 2 + 1 + 1 + 1 + 9 + 1 + 1 + 1;
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking) { CachedTokens = 6 }.Reply("abc", "\n</think>", "\n\n", "yes");
        var updates = await StreamAsync(engine);
        var usage = Assert.IsType<UsageContent>(Assert.Single(updates.SelectMany(u => u.Contents), c => c is UsageContent)).Details;
        Assert.Contains(updates[^1].Contents, c => c is UsageContent);
        Assert.Equal(Prompt, usage.InputTokenCount);
        Assert.Equal(3 + 1 + 1 + 2 + 3 + 1, usage.OutputTokenCount); // the stop token counts
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.Equal((6L, 4L), (usage.CachedInputTokenCount, usage.ReasoningTokenCount));
    }

    [Fact]
    public async Task Timings_AreJsonNumbersOnTheLastUpdate()
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply("a", "b"));
        Assert.All(updates[..^1], u => Assert.Null(u.AdditionalProperties));
        Assert.Equal("""{"queue_ms":1,"prefill_ms":2,"decode_ms":3}""", JsonSerializer.Serialize(updates[^1].AdditionalProperties));
    }

    [Fact]
    public async Task FinishReason_IsOnTheLastUpdateOnly()
    {
        var stop = await StreamAsync(new ScriptedEngine().Reply("a", "b"));
        var length = await StreamAsync(new ScriptedEngine().Reply("a", "b"), new ChatOptions { MaxOutputTokens = 1 });
        var calls = await StreamAsync(new ScriptedEngine().Reply(Call), new ChatOptions { Tools = [s_add] });
        Assert.Equal([ChatFinishReason.Stop, ChatFinishReason.Length, ChatFinishReason.ToolCalls], new[] { stop, length, calls }.Select(u => u[^1].FinishReason!.Value));
        Assert.All(new[] { stop, length, calls }.SelectMany(u => u[..^1]), u => Assert.Null(u.FinishReason));
        Assert.Equal("a", Text(length));
    }

    [Fact]
    public async Task GetResponseAsync_FoldsTheStream()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("h", "m", "</think>", "\n\n", "a ", "b");
        using var client = new Qwen3NextChatClient(engine);
        var response = await client.GetResponseAsync("Hi");
        var message = Assert.Single(response.Messages);
        Assert.Equal(["hm", "a b"], message.Contents.Select(c => c is TextReasoningContent r ? r.Text : ((TextContent)c).Text));
        Assert.Equal("a b", response.Text);
        Assert.Equal((ChatFinishReason.Stop, "scripted", ChatRole.Assistant), (response.FinishReason, response.ModelId, message.Role));
        Assert.NotNull(response.Usage);
        Assert.NotNull(response.ResponseId);
        Assert.NotNull(message.MessageId);
        Assert.Null(response.ConversationId);
        Assert.Equal(3.0, message.AdditionalProperties!["decode_ms"]);
    }

    [Fact]
    public async Task Steps_OfSeveralTokens_GiveOneUpdateEach()
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply("one two", " three four"));
        Assert.Equal(["one two", " three four", ""], updates.Select(u => u.Text));
    }

    [Fact]
    public async Task Characters_SplitOverTokens_AreNeverShownInHalves()
    {
        var bytes = "a€😀"u8.ToArray().Select(b => new[] { (int)b }).ToArray(); // ids of the byte tokenizer are the bytes
        var updates = await StreamAsync(new ScriptedEngine().ReplyTokens(bytes));
        Assert.Equal(["a", "€", "😀", ""], updates.Select(u => u.Text));
    }

    [Fact]
    public async Task Tags_WrittenByteByByte_AreStillFound()
    {
        var bytes = "hm</think>\n\nyes"u8.ToArray().Select(b => new[] { (int)b }).ToArray();
        var updates = await StreamAsync(new ScriptedEngine(Qwen3NextFormat.Thinking).ReplyTokens(bytes));
        Assert.Equal(("hm", "yes"), (Reasoning(updates), Text(updates)));
    }

    [Fact]
    public async Task ReasoningOutput_None_HidesThinkingButCountsIt()
    {
        var updates = await StreamAsync(new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("hmm", "</think>", "yes"), new ChatOptions { Reasoning = new() { Output = ReasoningOutput.None } });
        Assert.Equal(("", "yes"), (Reasoning(updates), Text(updates)));
        Assert.Equal(3, updates.SelectMany(u => u.Contents).OfType<UsageContent>().Single().Details.ReasoningTokenCount);
    }

    [Fact]
    public async Task Reasoning_CutByTheBudget_IsAllReasoning()
    {
        var updates = await StreamAsync(new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("hmm", "</think>", "yes"), new ChatOptions { MaxOutputTokens = 2 });
        Assert.Equal(("hm", ""), (Reasoning(updates), Text(updates)));
        Assert.Equal(ChatFinishReason.Length, updates[^1].FinishReason);
    }

    [Fact]
    public async Task Calls_AreCompleteWithUniqueIdsAndRawText()
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply(Call[..20], Call[20..], "\n", Call), new ChatOptions { Tools = [s_add] });
        var calls = updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(2, calls.Count);
        Assert.Equal(2, calls.Select(c => c.CallId).Distinct().Count());
        Assert.All(calls, c =>
        {
            Assert.True(c.CallId.Length > 20);
            Assert.Equal("add", c.Name);
            Assert.Equal(["a", "b"], c.Arguments!.Keys);
            Assert.Equal((1, "x"), (Assert.IsType<JsonElement>(c.Arguments["a"]).GetInt32(), Assert.IsType<JsonElement>(c.Arguments["b"]).GetString()));
            Assert.Contains("\"name\": \"add\"", Assert.IsType<string>(c.RawRepresentation));
        });
    }

    [Theory]
    [InlineData("""<tool_call>{"name": "add", "arguments": {"a": </tool_call>""", 1000)]
    [InlineData("""<tool_call>{"name": "add", "arguments": "none"}</tool_call>""", 1000)]
    [InlineData(Call, 30)]
    public async Task Calls_MalformedOrCut_AreErrorsAndNeverExecutable(string output, int budget)
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply("so ", output), new ChatOptions { Tools = [s_add], MaxOutputTokens = budget });
        var contents = updates.SelectMany(u => u.Contents).ToList();
        Assert.Empty(contents.OfType<FunctionCallContent>());
        var error = Assert.Single(contents.OfType<ErrorContent>());
        Assert.Equal("InvalidToolCall", error.ErrorCode);
        Assert.Contains("\"name\": \"add\"", error.Details);
        Assert.Equal(budget == 30 ? ChatFinishReason.Length : ChatFinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public async Task AllowMultipleToolCalls_False_EndsAfterTheFirst()
    {
        var engine = new ScriptedEngine().ReplyAndHang(Call, Call);
        var updates = await StreamAsync(engine, new ChatOptions { Tools = [s_add], AllowMultipleToolCalls = false });
        Assert.Single(updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>());
        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Fact]
    public async Task Calls_WithoutTools_StayText() => Assert.Contains("\"add\"", Text(await StreamAsync(new ScriptedEngine().Reply(Call))));

    [Theory]
    [InlineData("one. two", "one")]
    [InlineData("one", "one")]
    [InlineData("one.", "one.")]
    public async Task StopSequences_AcrossSteps_EndTheAnswerAndAreNotShown(string output, string shown)
    {
        var engine = new ScriptedEngine().Reply([.. output.Select(c => c.ToString())]);
        var updates = await StreamAsync(engine, new ChatOptions { StopSequences = [". t", "zzz"] });
        Assert.Equal(shown, Text(updates));
        Assert.DoesNotContain(updates, u => u.Text.Contains('.') && shown == "one");
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public async Task StopSequences_Found_FreeThePlaceAndKeepUsage()
    {
        var engine = new ScriptedEngine { CachedTokens = 6 }.ReplyAndHang("ab", "STOP", "cd");
        var updates = await StreamAsync(engine, new ChatOptions { StopSequences = ["TO"] });
        Assert.Equal("abS", Text(updates));
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
        var usage = updates[^1].Contents.OfType<UsageContent>().Single().Details;
        Assert.Equal(2 + 3, usage.OutputTokenCount); // up to the end of the sequence
        Assert.Equal(engine.Requests[0].Prompt.Length, usage.InputTokenCount);
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.Equal(6, usage.CachedInputTokenCount);
        var times = updates[^1].AdditionalProperties!;
        Assert.Equal((1.0, 2.0), (times["queue_ms"], times["prefill_ms"]));
        Assert.InRange(Assert.IsType<double>(times["decode_ms"]), double.Epsilon, 60_000);
    }

    [Fact]
    public async Task StopSequences_InReasoningAndCalls_DoNotStop()
    {
        var updates = await StreamAsync(new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("a.b", "</think>", "yes", Call, " no."),
            new ChatOptions { StopSequences = [".", "name"], Tools = [s_add] });
        Assert.Equal("a.b", Reasoning(updates));
        Assert.Single(updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>());
        Assert.Contains("no", Text(updates));
        Assert.DoesNotContain(".", Text(updates));
    }

    [Fact]
    public async Task StopSequences_BegunBeforeACall_DoNotReachOverIt()
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply("1 ST", Call, "OP 2"), new ChatOptions { StopSequences = ["STOP"], Tools = [s_add] });
        Assert.Equal("1 STOP 2", Text(updates));
        Assert.Single(updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>());
    }

    [Fact]
    public async Task StopSequences_OneInsideALongerOneAtTheEnd_StillStops()
    {
        var updates = await StreamAsync(new ScriptedEngine().Reply("a ", "bc"), new ChatOptions { StopSequences = ["b", "bcd"] });
        Assert.Equal(("a ", ChatFinishReason.Stop), (Text(updates), updates[^1].FinishReason!.Value));
    }
}
