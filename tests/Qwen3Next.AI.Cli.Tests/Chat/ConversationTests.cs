using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Chat;
using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Cli.Tools;
using Xunit;
using static Qwen3Next.AI.Cli.Tests.Chat.ScriptedChatClient;

namespace Qwen3Next.AI.Cli.Tests.Chat;

public sealed class ConversationTests : IDisposable
{
    private readonly StringWriter _out = new() { NewLine = "\n" }, _error = new() { NewLine = "\n" };

    [Fact]
    public async Task Run_PlainOutput_TagsThinkingAndShowsCallsInOrder()
    {
        using var arguments = JsonDocument.Parse("\"6 * 7\"");
        var client = new ScriptedChatClient(
            Answer(new TextReasoningContent("I calc"), new TextReasoningContent("ulate."),
                new FunctionCallContent("1", "calculate", new Dictionary<string, object?> { ["expression"] = arguments.RootElement })),
            Answer(new TextReasoningContent("Done."), new TextContent("It is "), new TextContent("42.")));
        Assert.Equal(0, await RunAsync(client, "What is 6 * 7?"));
        Assert.Equal(
            """
            <think>
            I calculate.
            </think>

            [calculate(expression: "6 * 7")]
            [result: 42]
            <think>
            Done.
            </think>

            It is 42.
            [22 tokens, 200 tokens/s; prompt 100 tokens, 40 cached]

            """.ReplaceLineEndings("\n"), _out.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Run_NextQuestion_KnowsAllContentsOfTheAnswersBefore()
    {
        var client = new ScriptedChatClient(
            Answer(new TextReasoningContent("t"), new FunctionCallContent("1", "get_current_time")), Answer(new TextContent("Noon.")), Answer(new TextContent("Yes.")));
        await RunAsync(client, "Time?\nSure?", system: "Be brief.");
        Assert.Equal(["system", "user", "assistant", "tool", "assistant", "user"], client.Requests[2].Select(m => m.Role.Value));
        Assert.Equal("Be brief.", client.Requests[2][0].Text);
        Assert.Equal("t", Assert.IsType<TextReasoningContent>(client.Requests[2][2].Contents[0]).Text);
        Assert.IsType<FunctionCallContent>(client.Requests[2][2].Contents[1]);
        Assert.IsType<FunctionResultContent>(client.Requests[2][3].Contents[0]);
        Assert.Equal(("Noon.", "Sure?"), (client.Requests[2][4].Text, client.Requests[2][5].Text));
    }

    [Fact]
    public async Task Run_Reset_KeepsTheSystemMessageAlone()
    {
        var client = new ScriptedChatClient(Answer(new TextContent("a")), Answer(new TextContent("b")));
        await RunAsync(client, "one\n/reset\ntwo", system: "s");
        Assert.Equal(["s", "two"], client.Requests[1].Select(m => m.Text));
        Assert.Contains("\n[the conversation is forgotten]\nb\n", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Exit_AnswersNothingMore()
    {
        var client = new ScriptedChatClient(Answer(new TextContent("a")));
        Assert.Equal(0, await RunAsync(client, "one\n\n /exit \ntwo"));
        Assert.Single(client.Requests);
    }

    [Fact]
    public async Task Run_UnknownCommand_IsNoQuestion()
    {
        var client = new ScriptedChatClient();
        await RunAsync(client, "/quit");
        Assert.Equal("error: '/quit' is unknown; there are /reset and /exit.\n", _error.ToString());
    }

    [Fact]
    public async Task Run_Interrupted_StopsTheAnswerAndGoesOn()
    {
        var terminal = TerminalOf("one\ntwo");
        var client = new ScriptedChatClient(Endless(() => Assert.True(terminal.Interrupts.Raise())), Answer(new TextContent("b")));
        using var program = terminal.Interrupts.Begin();
        Assert.Equal(0, await new Conversation(SessionOf(client, null, terminal), terminal).RunAsync(program.Token));
        Assert.StartsWith("and so on\n[stopped; the question is forgotten]\nb\n", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(["two"], client.Requests[1].Select(m => m.Text));
        Assert.False(program.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task Run_FailedAnswer_IsOneLineAndForgotten()
    {
        var client = new ScriptedChatClient(
            Failing(new ContextLengthExceededException("Too long. Raise MaxContextTokens."), new TextContent("half")), Answer(new TextContent("b")));
        Assert.Equal(1, await RunAsync(client, "one\ntwo"));
        Assert.Equal("error: Too long. Raise --context.\n", _error.ToString());
        Assert.Equal(["two"], client.Requests[1].Select(m => m.Text));
    }

    [Fact]
    public async Task Run_InvalidCallAndControlCharacters_AreShownPlainly()
    {
        var client = new ScriptedChatClient(Answer(new TextContent("\e[31mred\a"), new ErrorContent("The call is cut off.")));
        await RunAsync(client, "x");
        Assert.StartsWith("[31mred\n[The call is cut off.]\n[", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OnATerminal_DimsThinkingAndFigures()
    {
        var terminal = TerminalOf("q", interactive: true);
        var client = new ScriptedChatClient(Answer(new TextReasoningContent("hm"), new TextContent("a")));
        await new Conversation(SessionOf(client, null, terminal), terminal).RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("\n> \e[2mhm\e[22m\n\na\n\e[2m[11 tokens, 200 tokens/s; prompt 100 tokens, 40 cached]\e[22m\n\n> ", _out.ToString());
    }

    public void Dispose()
    {
        _out.Dispose();
        _error.Dispose();
    }

    private async Task<int> RunAsync(IChatClient client, string input, string? system = null)
    {
        var terminal = TerminalOf(input);
        return await new Conversation(SessionOf(client, system, terminal), terminal).RunAsync(TestContext.Current.CancellationToken);
    }

    private static ChatSession SessionOf(IChatClient client, string? system, Terminal terminal) =>
        new(client.AsBuilder().UseFunctionInvocation().Build(), new ChatOptions { Tools = BuiltInTool.All(TimeProvider.System) }, system, terminal);

    private Terminal TerminalOf(string input, bool interactive = false) => new() { In = new StringReader(input), Out = _out, Error = _error, Interactive = interactive };
}
