using System.Runtime.CompilerServices;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;
using Qwen3Next.AI.Tests.SemanticKernel;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Tests;

/// <summary>What must hold whoever asks: the chat client, Semantic Kernel's service, an agent.</summary>
public sealed class WaysToAskTests
{
    private readonly record struct Part(string Text, string Reasoning);

    public static TheoryData<string> Ways => ["client", "kernel", "agent"];

    /// <summary>Asks with the plugin of <see cref="KernelFixture"/> at hand, whose calls are written to <paramref name="seen"/>.</summary>
    private static IAsyncEnumerable<Part> AskAsync(
        string way, IQwen3NextEngine engine, ChatOptions? options = null, List<string>? seen = null, string question = "Hi", CancellationToken cancel = default)
    {
        options = options?.Clone() ?? new ChatOptions();
        var kernel = KernelFixture.Build(engine, seen ?? []);
        if (way == "kernel") return AskKernelAsync(kernel, options, question, cancel);
        options.Tools = seen is null ? null : kernel.ToAITools();
        var client = new Qwen3NextChatClient(engine);
        return way == "agent"
            ? AskAgentAsync(new ChatClientAgent(client), options, question, cancel)
            : AskClientAsync(client.AsBuilder().UseFunctionInvocation().Build(), options, question, cancel);
    }

    private static async IAsyncEnumerable<Part> AskClientAsync(IChatClient client, ChatOptions options, string question, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var update in client.GetStreamingResponseAsync(question, options, cancel)) yield return new Part(update.Text, Reasoning(update.Contents));
    }

    private static async IAsyncEnumerable<Part> AskAgentAsync(ChatClientAgent agent, ChatOptions options, string question, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var update in agent.RunStreamingAsync(question, options: new ChatClientAgentRunOptions(options), cancellationToken: cancel))
            yield return new Part(update.Text, Reasoning(update.Contents));
    }

    private static async IAsyncEnumerable<Part> AskKernelAsync(Kernel kernel, ChatOptions options, string question, [EnumeratorCancellation] CancellationToken cancel)
    {
        var settings = new Qwen3NextPromptExecutionSettings
        {
            StopSequences = options.StopSequences, MaxTokens = options.MaxOutputTokens, Temperature = options.Temperature, Seed = options.Seed,
            FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(),
        };
        var history = new ChatHistory(question, AuthorRole.User);
        await foreach (var chunk in kernel.GetRequiredService<IChatCompletionService>().GetStreamingChatMessageContentsAsync(history, settings, kernel, cancel))
            yield return new Part(chunk.Content ?? "", string.Concat(chunk.Items.OfType<StreamingReasoningContent>().Select(r => r.Text)));
    }

    private static string Reasoning(IEnumerable<AIContent> contents) => string.Concat(contents.OfType<TextReasoningContent>().Select(r => r.Text));

    private static async Task<Part> WholeAsync(IAsyncEnumerable<Part> parts)
    {
        var whole = new Part("", "");
        await foreach (var part in parts) whole = new Part(whole.Text + part.Text, whole.Reasoning + part.Reasoning);
        return whole;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Cancelled_WhileDecoding_FreesThePlace(string way)
    {
        var engine = new ScriptedEngine().ReplyAndHang("a");
        using var cancel = new CancellationTokenSource();
        var asking = WholeAsync(AskAsync(way, engine, cancel: cancel.Token));
        await engine.Hanging.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Left_InTheMiddle_FreesThePlace(string way)
    {
        var engine = new ScriptedEngine().ReplyAndHang("a", "b");
        await foreach (var part in AskAsync(way, engine))
            if (part.Text.Length > 0) break;
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ManyAtOnce_EachGetsItsOwnAnswer(string way)
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking);
        for (var i = 0; i < 20; i++) engine.Reply($"thought {i}", "</think>", "answer ", $"{i}");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => WholeAsync(AskAsync(way, engine)))));
        Assert.Equal(20, answers.Distinct().Count());
        Assert.All(answers, a => Assert.Equal(a.Text, a.Reasoning.Replace("thought", "answer", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TagsStopsAndCharacters_CutAnywhere_AreWhole(string way)
    {
        // One byte at a time: tags, the stop sequence and the bytes of a character are all cut.
        var bytes = ByteTokenizer.Instance.Encode("hm ✓</think>\n\nyes ✓ STOP no");
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).ReplyTokens([.. bytes.Select(b => new[] { b })]);
        var parts = new List<Part>();
        await foreach (var part in AskAsync(way, engine, new ChatOptions { StopSequences = ["STOP"] })) parts.Add(part);
        Assert.Equal(("yes ✓ ", "hm ✓"), (string.Concat(parts.Select(p => p.Text)), string.Concat(parts.Select(p => p.Reasoning))));
        Assert.DoesNotContain(parts, p => (p.Text + p.Reasoning).Contains('\uFFFD', StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ToolCall_CutOffByTheBudget_IsNeverExecuted(string way)
    {
        var (engine, seen) = (new ScriptedEngine().Reply(KernelFixture.AddCall), new List<string>());
        Assert.Equal("", (await WholeAsync(AskAsync(way, engine, new ChatOptions { MaxOutputTokens = 30 }, seen))).Text);
        Assert.Empty(seen);
        Assert.Single(engine.Requests);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ToolLoop_RunsUnderTheFilters_AndTheModelSeesItsThoughtsAgain(string way)
    {
        var seen = new List<string>();
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("I add.", "\n</think>", "\n\n", KernelFixture.AddCall).Reply("Five.", "</think>", "It is 5.");
        Assert.Equal(new Part("It is 5.", "I add.Five."), await WholeAsync(AskAsync(way, engine, seen: seen)));
        Assert.Contains("function Add", seen);
        Assert.Contains("<think>\nI add.\n</think>\n\n<tool_call>\n{\"name\": \"Calculator_Add\", \"arguments\": {\"a\": 2, \"b\": 3}}", engine.Prompts[1]);
        Assert.Contains("<tool_response>\n5\n</tool_response>", engine.Prompts[1]);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Seed_OnTheTinyModel_GivesTheSameAnswerEveryWay(string way)
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, MaxContextTokens = 512, Format = Qwen3NextFormat.Instruct });
        var options = new ChatOptions { Temperature = 1.5f, Seed = 1L << 40, MaxOutputTokens = 20 };
        using var client = new Qwen3NextChatClient(engine);
        var expected = (await client.GetResponseAsync("Who are you?", options)).Text;
        var kernel = KernelFixture.Build(engine);
        kernel.Plugins.Clear(); // they would be part of the prompt
        var asking = way == "kernel" ? AskKernelAsync(kernel, options, "Who are you?", default) : AskAsync(way, engine, options, question: "Who are you?");
        Assert.Equal(expected, (await WholeAsync(asking)).Text);
    }
}
