using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Tests.Chat;

/// <summary>Gives one prepared answer per request and keeps what it was asked.</summary>
internal sealed class ScriptedChatClient(params IReadOnlyList<Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>>> answers) : IChatClient
{
    public List<List<ChatMessage>> Requests { get; } = [];

    /// <summary>An answer of one content per update, with usage and decode time at its end as the real client has them.</summary>
    public static Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Answer(params AIContent[] contents) => _ => Stream(contents, null);

    public static Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Failing(Exception error, params AIContent[] contents) => _ => Stream(contents, error);

    /// <summary>An answer that goes on until it is stopped.</summary>
    public static Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Endless(Action begun) => token => Forever(begun, token);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Requests.Add([.. messages]);
        return answers[Requests.Count - 1](cancellationToken);
    }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Stream(AIContent[] contents, Exception? error)
    {
        await Task.Yield();
        foreach (var content in contents) yield return new ChatResponseUpdate(ChatRole.Assistant, [content]);
        if (error is not null) throw error;
        var usage = new UsageDetails { InputTokenCount = 100, CachedInputTokenCount = 40, OutputTokenCount = 11 };
        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage)]) { AdditionalProperties = new() { ["decode_ms"] = 50.0 } };
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Forever(Action begun, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new ChatResponseUpdate(ChatRole.Assistant, "and so on");
        begun();
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
