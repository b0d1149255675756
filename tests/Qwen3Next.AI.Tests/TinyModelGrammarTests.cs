using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>Constrained answers of the bundled model: what it cannot do by itself, it does under a grammar.</summary>
public sealed class TinyModelGrammarTests
{
    private sealed record Person([property: Description("Full name.")] string Name, int Age, string[] Tags, Colour Favourite, Person? Friend = null);

    private sealed record Customer(string Name, int Age, bool Active);

    private enum Colour { Red, Green, Blue }

    private static Qwen3NextChatClient Client(Qwen3NextFormat format = Qwen3NextFormat.Thinking)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(TinyCheckpoint.Path, "config.json")), "the tiny model is not in this checkout");
        return new Qwen3NextChatClient(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, MaxContextTokens = 2048, KvCacheBytes = 1 << 24, Format = format });
    }

    private static ChatOptions Random(int seed, int tokens = 500) => new()
    {
        Temperature = 1.5f, TopP = 1, TopK = 0, Seed = seed, MaxOutputTokens = tokens, AdditionalProperties = new() { ["thinking_budget"] = 30 },
    };

    [Fact]
    public async Task GetResponse_OfAType_ReadsBackAsThatType()
    {
        using var client = Client(Qwen3NextFormat.Instruct);
        const string Text = "Extract the data from this text as JSON: Name: Ann Lee, aged 36, it is active. The keys are name (string), age (integer), active (boolean).";
        var response = await client.GetResponseAsync<Customer>(Text, new ChatOptions { Temperature = 0, MaxOutputTokens = 200 });
        Assert.True(response.TryGetResult(out var customer), response.Text);
        Assert.Equal(36, customer.Age);
        Assert.True((await client.GetResponseAsync<int>("2 + 3?", new ChatOptions { Temperature = 0, MaxOutputTokens = 200 })).TryGetResult(out _));
    }

    [Theory]
    [InlineData(Qwen3NextFormat.Instruct)]
    [InlineData(Qwen3NextFormat.Thinking)]
    public async Task GetResponse_SchemaAtHighTemperature_AlwaysReadsBack(Qwen3NextFormat format)
    {
        using var client = Client(format);
        var ended = 0;
        for (var seed = 0; seed < 4; seed++)
        {
            var response = await client.GetResponseAsync<Person>("Make up a person.", Random(seed));
            if (response.FinishReason != ChatFinishReason.Stop) continue;
            ended++;
            Assert.True(response.TryGetResult(out _), response.Text);
        }
        Assert.InRange(ended, 1, 4);
    }

    [Fact]
    public async Task GetResponse_Json_IsAnObject()
    {
        using var client = Client(Qwen3NextFormat.Instruct);
        var response = await client.GetResponseAsync("List three colours.", new ChatOptions { Temperature = 0, MaxOutputTokens = 200, ResponseFormat = ChatResponseFormat.Json });
        if (response.FinishReason == ChatFinishReason.Stop) Assert.Equal(JsonValueKind.Object, JsonElement.Parse(response.Text).ValueKind);
        Assert.StartsWith("{", response.Text);
    }

    [Theory]
    [InlineData(Qwen3NextFormat.Instruct)]
    [InlineData(Qwen3NextFormat.Thinking)]
    [InlineData(Qwen3NextFormat.Coder)]
    public async Task GetResponse_RequiredTool_CallsItWithArgumentsOfItsTypes(Qwen3NextFormat format)
    {
        using var client = Client(format);
        var book = AIFunctionFactory.Create((string city, int nights, bool breakfast, Colour colour) => city, "book");
        for (var seed = 0; seed < 2; seed++)
        {
            var options = Random(seed);
            (options.Tools, options.ToolMode) = ([AIFunctionFactory.Create(() => 1, "other"), book], ChatToolMode.RequireSpecific("book"));
            var response = await client.GetResponseAsync("Hello!", options);
            if (response.FinishReason == ChatFinishReason.Length) continue;
            var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
            Assert.Equal("book", call.Name);
            await book.InvokeAsync(new AIFunctionArguments(call.Arguments));
            Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        }
    }

    [Fact]
    public async Task GetResponse_ThinkingBudget_EndsTheThinkingAndAnswers()
    {
        using var client = Client();
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 200, AdditionalProperties = new() { ["thinking_budget"] = 4 } };
        var response = await client.GetResponseAsync("What is 37 * 12?", options);
        Assert.InRange(response.Usage!.ReasoningTokenCount ?? 0, 1, 5);
        Assert.NotEqual("", response.Text);
        options.AdditionalProperties["thinking_budget"] = 0;
        Assert.Empty((await client.GetResponseAsync("What is 37 * 12?", options)).Messages[0].Contents.OfType<TextReasoningContent>());
    }
}
