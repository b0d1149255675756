using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Qwen3Next.AI.Cli.Commands;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli;

/// <summary>The whole tool as one call: arguments and streams in, exit code out.</summary>
internal static class CliApplication
{
    private const int Failure = 1, WrongUsage = 2, Interrupted = 130;

    // A prompt may begin with '@'; it is text, never a file of arguments.
    private static readonly ParserConfiguration s_parser = new() { ResponseFileTokenReplacer = null };

    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        // Numbers are written with a point, whatever the machine's language; this ends with the method.
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var parsed = Parse(args, terminal);
        if (parsed.Errors.Count > 0) return Report(terminal, $"{parsed.Errors[0].Message} {SeeHelp(parsed)}", WrongUsage);

        using var work = terminal.Interrupts.Begin();
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            }, work.Token);
        }
        catch (OperationCanceledException) when (work.Token.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (UsageException e)
        {
            return Report(terminal, $"{e.Message} {SeeHelp(parsed)}", WrongUsage);
        }
        catch (Exception e) when (IsExpected(e))
        {
            terminal.WriteError(e);
            return Failure;
        }
    }

    /// <summary>What a command line means; nothing is done yet.</summary>
    public static ParseResult Parse(string[] args, Terminal terminal) => Root(terminal).Parse(args, s_parser);

    /// <summary>Errors whose message is meant for people; anything else is a defect and keeps its stack trace.</summary>
    public static bool IsExpected(Exception e) =>
        e is Qwen3NextException or NotSupportedException or ArgumentException or IOException or UnauthorizedAccessException;

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Runs Qwen3-Next models in this process.")
        {
            ChatCommand.Create(terminal),
            GenerateCommand.Create(terminal),
            ServeCommand.Create(terminal),
            PdfTextCommand.Create(),
            LogitsCommand.Create(terminal),
            RenderCommand.Create(terminal),
            InspectCommand.Create(terminal),
            DownloadCommand.Create(terminal),
            BenchCommand.Create(terminal),
        };
        root.SetAction(parsed => root.Parse("--help").Invoke(parsed.InvocationConfiguration));
        return root;
    }

    private static int Report(Terminal terminal, string message, int code)
    {
        terminal.WriteError(message);
        return code;
    }

    private static string SeeHelp(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
        return $"See 'qwen3next {command}--help'.";
    }
}
