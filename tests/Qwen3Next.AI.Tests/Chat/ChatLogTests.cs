using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>What is left out, or has no effect, is said in the log; contents are not.</summary>
public sealed class ChatLogTests
{
    private static async Task<List<(int Id, LogLevel Level, string Text)>> LogAsync(ScriptedEngine engine, ChatMessage message, ChatOptions options)
    {
        using var loggers = new ListLoggers();
        using var client = new Qwen3NextChatClient(engine, new Qwen3NextOptions { UnsupportedContent = UnsupportedContentBehavior.Ignore }, loggers);
        await client.GetResponseAsync([message], options);
        return loggers.Entries;
    }

    [Fact]
    public async Task Log_PlainRequest_IsEmpty() =>
        Assert.Empty(await LogAsync(new ScriptedEngine().Reply("ok"), new(ChatRole.User, "secret"), new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "f")] }));

    [Fact]
    public async Task Log_WhatIsLeftOut_IsNamed()
    {
        var engine = new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("x</think>", """<tool_call>{"name": "secret", </tool_call>""");
        var log = await LogAsync(engine, new(ChatRole.User, [new TextContent("secret"), new DataContent(new byte[] { 1 }, "audio/wav")]), new ChatOptions
        {
            Tools = [new HostedWebSearchTool(), AIFunctionFactory.Create(() => 1, "f")],
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
        });
        Assert.Equal([1001, 1002, 1003, 1004], log.Select(e => e.Id).Order());
        Assert.Contains(log, e => e is { Id: 1001, Level: LogLevel.Debug } && e.Text.Contains(nameof(HostedWebSearchTool), StringComparison.Ordinal));
        Assert.Contains(log, e => e is { Id: 1002, Level: LogLevel.Warning } && e.Text.Contains("audio/wav", StringComparison.Ordinal));
        Assert.Contains(log, e => e is { Id: 1003, Level: LogLevel.Debug } && e.Text.Contains("None", StringComparison.Ordinal));
        Assert.Contains(log, e => e is { Id: 1004, Level: LogLevel.Warning });
        Assert.DoesNotContain(log, e => e.Text.Contains("secret", StringComparison.Ordinal));
    }

    private sealed class ListLoggers : ILoggerFactory, ILogger
    {
        public List<(int Id, LogLevel Level, string Text)> Entries { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Entries) Entries.Add((eventId.Id, logLevel, formatter(state, exception)));
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider) { }

        public void Dispose() { }
    }
}
