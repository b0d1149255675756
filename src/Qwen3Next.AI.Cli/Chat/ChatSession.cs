using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Chat;

/// <summary>One conversation: its history, and the printing of its answers.</summary>
internal sealed class ChatSession
{
    private readonly IChatClient _client;
    private readonly ChatOptions _options;
    private readonly string? _system;
    private readonly Terminal _terminal;
    private readonly List<ChatMessage> _history = [];

    /// <param name="client">Answers, and runs the tools of the options.</param>
    /// <param name="options">Sampling and tools of every answer.</param>
    /// <param name="system">How the model shall behave; null for nothing.</param>
    /// <param name="terminal">Where answers go.</param>
    public ChatSession(IChatClient client, ChatOptions options, string? system, Terminal terminal)
    {
        (_client, _options, _system, _terminal) = (client, options, system, terminal);
        Reset();
    }

    /// <summary>Forgets everything but the system message.</summary>
    public void Reset()
    {
        _history.Clear();
        if (_system is not null) _history.Add(new ChatMessage(ChatRole.System, _system));
    }

    /// <summary>Prints the answer to a question and remembers both with all their contents. An answer that fails or is stopped is forgotten with its question.</summary>
    public async Task AskAsync(string question, CancellationToken cancellationToken)
    {
        List<ChatMessage> asked = [.. _history, new ChatMessage(ChatRole.User, question)];
        var updates = new List<ChatResponseUpdate>();
        var figures = new AnswerFigures();
        var printer = new AnswerPrinter(_terminal);
        try
        {
            await foreach (var update in AnswerAsync(asked, cancellationToken))
            {
                updates.Add(update);
                figures.Add(update);
                foreach (var content in update.Contents) printer.Print(content);
            }
        }
        finally
        {
            printer.End();
        }
        _history.Add(asked[^1]);
        _history.AddMessages(updates);
        _terminal.Out.WriteLine(_terminal.Dim(figures.ToString()));
    }

    /// <summary>The client's stream, with a sign of life until it begins.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        List<ChatMessage> messages, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var answer = _client.GetStreamingResponseAsync(messages, _options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var more = await Progress.ShowAsync(_terminal, "Reading", _ => answer.MoveNextAsync().AsTask());
        for (; more; more = await answer.MoveNextAsync()) yield return answer.Current;
    }
}
