using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Chat;

/// <summary>Reads questions line by line until the input ends.</summary>
internal sealed class Conversation(ChatSession session, Terminal terminal)
{
    /// <summary>Gives the exit code: 1 when an answer failed and no person was there to see it.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var failed = false;
        while (await ReadAsync(cancellationToken) is { } line)
        {
            switch (line.Trim())
            {
                case "": break;
                case "/exit": return failed ? 1 : 0;
                case "/reset":
                    session.Reset();
                    terminal.Out.WriteLine(terminal.Dim("[the conversation is forgotten]"));
                    break;
                case ['/', ..] command: terminal.WriteError($"'{command}' is unknown; there are /reset and /exit."); break;
                case var question: failed |= !await TryAnswerAsync(question) && !terminal.Interactive; break;
            }
        }
        return failed ? 1 : 0;
    }

    private async Task<bool> TryAnswerAsync(string question)
    {
        using var answer = terminal.Interrupts.Begin();
        try
        {
            await session.AskAsync(question, answer.Token);
            return true;
        }
        catch (OperationCanceledException) when (answer.Token.IsCancellationRequested)
        {
            terminal.Out.WriteLine(terminal.Dim("[stopped; the question is forgotten]"));
            return true;
        }
        catch (Exception e) when (CliApplication.IsExpected(e))
        {
            terminal.WriteError(e);
            return false;
        }
    }

    // A console's read cannot be cancelled; it is left behind when the program ends.
    private Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        if (terminal.Interactive) terminal.Out.Write("\n> ");
        return Task.Run(terminal.In.ReadLine, cancellationToken).WaitAsync(cancellationToken);
    }
}
