using Microsoft.Agents.AI;
using Microsoft.Agents.AI.Workflows;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;
using Qwen3Next.AI.Tests.SemanticKernel;
using Xunit;

namespace Qwen3Next.AI.Tests.Agents;

/// <summary>The model under agents of Microsoft Agent Framework.</summary>
public sealed class ChatClientAgentTests
{
    private static ScriptedEngine Thinking(params string[] steps) => new ScriptedEngine(Qwen3NextFormat.Thinking).Reply(steps);

    private static ScriptedEngine ToolLoop() =>
        Thinking("I add.", "\n</think>", "\n\n", KernelFixture.AddCall).Reply("Five.", "\n</think>", "\n\n", "It is ", "5.");

    private static (ChatClientAgent Agent, List<string> Seen) WithPlugin(ScriptedEngine engine)
    {
        var seen = new List<string>();
        var tools = KernelFixture.Build(engine, seen).ToAITools();
        return (new ChatClientAgent(new Qwen3NextChatClient(engine), instructions: "Be exact.", name: "adder", tools: tools), seen);
    }

    [Fact]
    public async Task Run_WithAPlugin_CallsItUnderItsFiltersAndKeepsTheReasoning()
    {
        var engine = ToolLoop();
        var (agent, seen) = WithPlugin(engine);
        var response = await agent.RunAsync("2+3?");
        Assert.Equal("It is 5.", response.Text);
        Assert.Equal(["function Add"], seen);
        Assert.StartsWith("<|im_start|>system\nBe exact.\n\n# Tools", engine.Prompts[0]);
        Assert.Contains("<think>\nI add.\n</think>\n\n<tool_call>\n{\"name\": \"Calculator_Add\", \"arguments\": {\"a\": 2, \"b\": 3}}", engine.Prompts[1]);
        Assert.Contains("<tool_response>\n5\n</tool_response>", engine.Prompts[1]);
        Assert.Equal(["I add.", "Five."], response.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(r => r.Text));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(response.Usage!.InputTokenCount + response.Usage.OutputTokenCount, response.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task RunStreaming_WithAPlugin_StreamsTheSame()
    {
        var (agent, seen) = WithPlugin(ToolLoop());
        var updates = new List<AgentResponseUpdate>();
        await foreach (var update in agent.RunStreamingAsync("2+3?")) updates.Add(update);
        Assert.Equal("It is 5.", string.Concat(updates.Select(u => u.Text)));
        Assert.True(updates.Count(u => u.Text.Length > 0) > 1);
        Assert.Equal(["function Add"], seen);
    }

    [Fact]
    public async Task Run_Session_SendsTheConversationAndSurvivesJson()
    {
        var engine = Thinking("hm", "</think>", "one").Reply("ok", "</think>", "two").Reply("so", "</think>", "three");
        var agent = new ChatClientAgent(new Qwen3NextChatClient(engine));
        var session = await agent.CreateSessionAsync();
        await agent.RunAsync("A", session);
        await agent.RunAsync("B", session);
        Assert.Equal("<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\none<|im_end|>\n<|im_start|>user\nB<|im_end|>\n<|im_start|>assistant\n<think>\n", engine.Prompts[1]);
        session = await agent.DeserializeSessionAsync(await agent.SerializeSessionAsync(session));
        await agent.RunAsync("C", session);
        Assert.Contains("B<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nC", engine.Prompts[2]);
    }

    [Fact]
    public async Task Run_NoMessages_DoesNotFail() =>
        Assert.Equal("yes", (await new ChatClientAgent(new Qwen3NextChatClient(new ScriptedEngine().Reply("yes"))).RunAsync([])).Text);

    [Fact]
    public async Task Workflow_TwoAgentsInARow_TheSecondReadsTheFirst()
    {
        var engine = new ScriptedEngine().Reply("draft").Reply("final");
        var client = new Qwen3NextChatClient(engine);
        var team = AgentWorkflowBuilder.BuildSequential([new ChatClientAgent(client, name: "writer"), new ChatClientAgent(client, instructions: "Improve it.", name: "editor")]).AsAIAgent();
        var response = await team.RunAsync("Write.");
        Assert.Equal([("writer", "draft"), ("editor", "final")], response.Messages.Where(m => m.Text.Length > 0).Select(m => (m.AuthorName, m.Text)));
        Assert.Equal("<|im_start|>system\nImprove it.<|im_end|>\n<|im_start|>user\nWrite.<|im_end|>\n<|im_start|>user\ndraft<|im_end|>\n<|im_start|>assistant\n", engine.Prompts[1]);
    }

    [Fact]
    public async Task Run_Cancelled_FreesThePlace()
    {
        var engine = new ScriptedEngine().ReplyAndHang("a");
        using var cancel = new CancellationTokenSource();
        var run = new ChatClientAgent(new Qwen3NextChatClient(engine)).RunAsync("Hi", cancellationToken: cancel.Token);
        await engine.Hanging.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal((0, 1), (engine.Running, engine.Abandoned));
    }
}
