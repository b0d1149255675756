using System.Text;

namespace Qwen3Next.AI.Cli.Output;

/// <summary>The three streams of the process, and what stands behind them.</summary>
internal sealed class Terminal
{
    public required TextReader In { get; init; }

    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>A person types and reads: prompts, colours and dimmed text are welcome.</summary>
    public bool Interactive { get; init; }

    /// <summary>A person watches standard error: progress is welcome.</summary>
    public bool ShowsProgress { get; init; }

    public Interrupts Interrupts { get; } = new();

    /// <summary>The console this process was started with. Ctrl+C reaches <see cref="Interrupts"/>.</summary>
    public static Terminal OfProcess()
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        // https://no-color.org: any value that is not empty.
        var plain = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } || Environment.GetEnvironmentVariable("TERM") == "dumb";
        var terminal = new Terminal
        {
            In = Console.In,
            Out = Console.Out,
            Error = Console.Error,
            Interactive = !plain && !Console.IsInputRedirected && !Console.IsOutputRedirected,
            ShowsProgress = !plain && !Console.IsErrorRedirected,
        };
        Console.CancelKeyPress += (_, press) => press.Cancel = terminal.Interrupts.Raise();
        return terminal;
    }

    public string Dim(string text) => Interactive ? $"\e[2m{text}\e[22m" : text;

    /// <summary>What the library says, in the tool's words: its option has another name here.</summary>
    public void WriteError(Exception error) =>
        WriteError(error.Message.Replace(nameof(Qwen3NextOptions.MaxContextTokens), "--context", StringComparison.Ordinal));

    /// <summary>One line on standard error.</summary>
    public void WriteError(string message) =>
        Error.WriteLine($"error: {string.Join(' ', PlainText.Of(message).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}");
}
