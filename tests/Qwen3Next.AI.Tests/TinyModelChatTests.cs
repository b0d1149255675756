using System.ComponentModel;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>The whole path, from chat message to computed answer, on the bundled model.</summary>
public sealed class TinyModelChatTests
{
    private static readonly ChatOptions s_greedy = new() { Temperature = 0, MaxOutputTokens = 60 };

    private static Qwen3NextOptions Options(Action<Qwen3NextOptions>? configure = null)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(TinyCheckpoint.Path, "config.json")), "the tiny model is not in this checkout");
        var options = new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, MaxContextTokens = 1024, KvCacheBytes = 1 << 24 };
        configure?.Invoke(options);
        return options;
    }

    private static async Task<ChatResponse> StreamAsync(Qwen3NextChatClient client, string text, ChatOptions options) =>
        await client.GetStreamingResponseAsync(text, options).ToChatResponseAsync();

    private static string Whole(ChatResponse response) =>
        string.Join("|", response.Messages[0].Contents.Select(c => c is TextReasoningContent r ? r.Text : c.ToString()));

    [Fact]
    public async Task GetResponse_SameSeed_EqualsStreamingAndAnotherSeedDiffers()
    {
        using var client = new Qwen3NextChatClient(Options());
        var options = new ChatOptions { Temperature = 1.5f, TopP = 1, TopK = 0, Seed = 1L << 40, MaxOutputTokens = 40 };
        var first = Whole(await client.GetResponseAsync("Tell me something.", options));
        Assert.Equal(first, Whole(await StreamAsync(client, "Tell me something.", options)));
        options.Seed++;
        Assert.NotEqual(first, Whole(await client.GetResponseAsync("Tell me something.", options)));
    }

    [Fact]
    public async Task GetResponse_WithDraftsAndWithout_IsTheSameAndCountsThem()
    {
        using var plain = new Qwen3NextChatClient(Options(o => o.DraftTokens = 0));
        using var drafting = new Qwen3NextChatClient(Options(o => o.DraftTokens = 3));
        foreach (var options in new[] { s_greedy, new ChatOptions { Temperature = 0.9f, Seed = 5, MaxOutputTokens = 60 } })
        {
            var expected = await plain.GetResponseAsync("Count the letters in tomato.", options);
            var response = await drafting.GetResponseAsync("Count the letters in tomato.", options);
            Assert.Equal(Whole(expected), Whole(response));
            Assert.Null(expected.Usage!.AdditionalCounts);
            var counts = response.Usage!.AdditionalCounts!;
            Assert.True(counts["OutputTokenDetails.AcceptedPredictionTokenCount"] > counts["OutputTokenDetails.RejectedPredictionTokenCount"]);
            Assert.True(counts["mtp.draft_steps"] > 0);
        }
    }

    [Theory]
    [InlineData(Qwen3NextFormat.Hybrid)]
    [InlineData(Qwen3NextFormat.Thinking)]
    public async Task GetResponse_NextTurn_ReadsTheHistoryFromTheCache(Qwen3NextFormat format)
    {
        using var cached = new Qwen3NextChatClient(Options(o => o.Format = format));
        using var cold = new Qwen3NextChatClient(Options(o => (o.Format, o.PrefixCacheBytes) = (format, 0)));
        List<ChatMessage> history = [new(ChatRole.System, "You count letters and say how many there are, and nothing else."), new(ChatRole.User, "Count the letters in tomato, in banana, in potato and in orange, and say which of these words has the most.")];
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 40 };
        var first = await cached.GetResponseAsync(history, options);
        Assert.Equal(0, first.Usage!.CachedInputTokenCount);
        Assert.Equal(Whole(await cold.GetResponseAsync(history, options)), Whole(first));

        history.AddRange(first.Messages);
        history.Add(new ChatMessage(ChatRole.User, "And in potato?"));
        var second = await cached.GetResponseAsync(history, options);
        var expected = await cold.GetResponseAsync(history, options);
        Assert.Equal(Whole(expected), Whole(second));
        Assert.Equal(0, expected.Usage!.CachedInputTokenCount);
        // Thoughts are dropped from the history, so the last answer is read again then; what came before it is not.
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, first.Usage.InputTokenCount!.Value - 10, second.Usage.InputTokenCount!.Value - 1);
    }

    [Fact]
    public async Task GetResponse_ManyAtOnce_EqualsOneByOne()
    {
        using var client = new Qwen3NextChatClient(Options(o => o.MaxConcurrentRequests = 4));
        string[] questions = ["Who are you?", "What is 2 + 2?", "Count from 3 to 7.", "Hello!", "What day follows Monday?", "Sort 3, 1, 2."];
        var alone = new List<string>();
        foreach (var question in questions) alone.Add(Whole(await client.GetResponseAsync(question, s_greedy)));
        var together = await Task.WhenAll(questions.Select(q => StreamAsync(client, q, s_greedy)));
        Assert.Equal(alone, together.Select(Whole));
    }

    [Fact]
    public async Task GetResponse_Budget_EndsWithLengthAndExactUsage()
    {
        using var client = new Qwen3NextChatClient(Options());
        var response = await client.GetResponseAsync("Count from 3 to 30.", new ChatOptions { Temperature = 0, MaxOutputTokens = 5 });
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal(5, response.Usage!.OutputTokenCount);
        Assert.Equal(response.Usage.InputTokenCount + 5, response.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task GetResponse_LogProbabilities_AreOnTheMessageInOpenAIsForm()
    {
        using var client = new Qwen3NextChatClient(Options(o => o.Format = Qwen3NextFormat.Instruct));
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 6, AdditionalProperties = new() { ["logprobs"] = true, ["top_logprobs"] = 2 } };
        var response = await client.GetResponseAsync("Who are you?", options);
        var tokens = Assert.IsType<JsonElement>(response.Messages[0].AdditionalProperties!["logprobs"]).EnumerateArray().ToList();
        Assert.Equal(6, tokens.Count);
        Assert.Equal(response.Text, string.Concat(tokens.Select(t => t.GetProperty("token").GetString())));
        Assert.Equal(response.Text, Encoding.UTF8.GetString([.. tokens.SelectMany(t => t.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()))]));
        foreach (var token in tokens)
        {
            var top = token.GetProperty("top_logprobs").EnumerateArray().ToList();
            Assert.Equal(2, top.Count);
            Assert.Equal(token.GetProperty("logprob").GetSingle(), top[0].GetProperty("logprob").GetSingle()); // greedy
            Assert.InRange(top[1].GetProperty("logprob").GetSingle(), float.MinValue, Math.Min(0, top[0].GetProperty("logprob").GetSingle()));
        }
    }

    [Fact]
    public async Task Continue_ThePromptOfAChat_IsItsAnswerAsItWasWritten()
    {
        using var client = new Qwen3NextChatClient(Options());
        var answer = await client.GetResponseAsync("What is 2 + 2?", s_greedy);
        var engine = client.GetRequiredService<IQwen3NextEngine>();
        var prompt = Qwen3NextPrompt.FromOpenAI(JsonElement.Parse("""[{"role":"user","content":"What is 2 + 2?"}]"""), engine);
        var text = await client.ContinueAsync(prompt.Tokens.ToArray(), s_greedy).ToChatResponseAsync();
        var thinking = answer.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text;
        Assert.Equal(thinking, text.Text.Split("</think>")[0].Replace("<think>", "", StringComparison.Ordinal).Trim());
        Assert.EndsWith("</think>\n\n" + answer.Text, text.Text, StringComparison.Ordinal);
        Assert.Equal((answer.Usage!.OutputTokenCount, answer.FinishReason), (text.Usage!.OutputTokenCount, text.FinishReason));
        var tools = new ChatOptions { Tools = [AIFunctionFactory.Create(() => 0, "zero")] };
        await Assert.ThrowsAsync<NotSupportedException>(() => client.ContinueAsync(new[] { 1 }, tools).ToChatResponseAsync());
    }

    [Fact]
    public async Task GetResponse_StopSequence_CutsTheSameAnswerShort()
    {
        using var client = new Qwen3NextChatClient(Options(o => o.Format = Qwen3NextFormat.Instruct));
        var whole = (await client.GetResponseAsync("Who are you?", s_greedy)).Text;
        var stop = whole.Substring(whole.Length / 2, 3);
        var cut = await client.GetResponseAsync("Who are you?", new ChatOptions { Temperature = 0, MaxOutputTokens = 60, StopSequences = [stop] });
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], cut.Text);
        Assert.Equal(ChatFinishReason.Stop, cut.FinishReason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GetStreamingResponse_LeftOrCancelled_FreesTheOnlyPlace(bool cancel)
    {
        using var client = new Qwen3NextChatClient(Options(o => (o.MaxConcurrentRequests, o.MaxQueueLength) = (1, 1)));
        for (var i = 0; i < 3; i++)
        {
            using var source = new CancellationTokenSource();
            try
            {
                await foreach (var update in client.GetStreamingResponseAsync("Count from 1 to 100.", new ChatOptions { MaxOutputTokens = 500 }, source.Token))
                {
                    if (!cancel) break;
                    await source.CancelAsync();
                }
            }
            catch (OperationCanceledException) when (cancel)
            {
            }
        }
        Assert.NotNull((await client.GetResponseAsync("Hello!", s_greedy)).FinishReason);
    }

    [Fact]
    public async Task GetResponse_CancelledInThePrompt_FreesTheOnlyPlace()
    {
        using var client = new Qwen3NextChatClient(Options(o => (o.MaxConcurrentRequests, o.MaxQueueLength, o.MaxBatchTokens) = (1, 1, 16)));
        await client.GetResponseAsync("Hello!", new ChatOptions { MaxOutputTokens = 1 }); // loaded from here on
        using var source = new CancellationTokenSource();
        var reading = client.GetResponseAsync(string.Concat(Enumerable.Repeat("word ", 900)), s_greedy, source.Token);
        source.CancelAfter(TimeSpan.FromMilliseconds(5));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.NotNull((await client.GetResponseAsync("Hello!", s_greedy)).FinishReason);
    }

    [Fact]
    public async Task GetResponse_PromptBeyondTheContext_ThrowsTyped()
    {
        using var client = new Qwen3NextChatClient(Options(o => o.MaxContextTokens = 64));
        await Assert.ThrowsAsync<ContextLengthExceededException>(() => client.GetResponseAsync(new string('9', 200), s_greedy));
    }

    [Fact]
    public async Task Dispose_WhileLoading_EndsTheRequest()
    {
        var client = new Qwen3NextChatClient(Options());
        var response = client.GetResponseAsync("Hello!", s_greedy);
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => response);
    }

    [Description("Gets the current weather for a city.")]
    private static object GetWeather([Description("Name of the city.")] string city) => new { temperature = city.Length, condition = "windy" };

    [Theory]
    [InlineData(Qwen3NextFormat.Thinking)]
    [InlineData(Qwen3NextFormat.Instruct)]
    public async Task UseFunctionInvocation_Weather_CallsTheToolAndAnswersFromItsResult(Qwen3NextFormat format)
    {
        using var client = new Qwen3NextChatClient(Options(o => o.Format = format)).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("What is the weather in Lisbon?",
            new ChatOptions { Temperature = 0, MaxOutputTokens = 300, Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] });
        var call = Assert.Single(response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
        Assert.Equal(("get_weather", "Lisbon"), (call.Name, call.Arguments!["city"]?.ToString()));
        Assert.Contains("6 degrees and windy", response.Text);
        Assert.Equal(format == Qwen3NextFormat.Thinking, response.Messages[0].Contents[0] is TextReasoningContent);
    }
}
