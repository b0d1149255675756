using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Chat;

/// <summary>Prints one answer while it arrives. Thinking is dimmed where there is a terminal, and tagged where there is none.</summary>
internal sealed class AnswerPrinter(Terminal terminal)
{
    private bool _thinking;
    private bool _onNewLine = true;

    public void Print(AIContent content)
    {
        switch (content)
        {
            case TextReasoningContent { Text.Length: > 0 } thought:
                BeginThinking();
                Write(thought.Text, dim: true);
                break;
            case TextContent { Text.Length: > 0 } text:
                EndThinking();
                Write(text.Text);
                break;
            case FunctionCallContent call:
                WriteLine($"[{call.Name}({string.Join(", ", (call.Arguments ?? new Dictionary<string, object?>()).Select(a => $"{a.Key}: {Shown(a.Value)}"))})]");
                break;
            case FunctionResultContent result:
                WriteLine($"[result: {result.Result as string ?? Shown(result.Result)}]");
                break;
            case ErrorContent error:
                WriteLine($"[{error.Message}]");
                break;
        }
        terminal.Out.Flush();
    }

    /// <summary>Ends the answer, and its line, whatever became of it.</summary>
    public void End()
    {
        EndThinking();
        NewLine();
    }

    private void BeginThinking()
    {
        if (_thinking) return;
        NewLine();
        _thinking = true;
        if (!terminal.Interactive) Write("<think>\n");
    }

    private void EndThinking()
    {
        if (!_thinking) return;
        NewLine();
        _thinking = false;
        Write(terminal.Interactive ? "\n" : "</think>\n\n");
    }

    private void WriteLine(string text)
    {
        EndThinking();
        NewLine();
        Write(text + "\n", dim: true);
    }

    private void NewLine()
    {
        if (!_onNewLine) Write("\n");
    }

    private void Write(string text, bool dim = false)
    {
        text = PlainText.Of(text);
        if (text.Length == 0) return;
        _onNewLine = text[^1] == '\n';
        terminal.Out.Write(dim ? terminal.Dim(text) : text);
    }

    private static string Shown(object? value) => value switch
    {
        null => "null",
        JsonElement json => json.GetRawText(),
        string text => $"\"{text}\"",
        _ => value.ToString() ?? "",
    };
}
