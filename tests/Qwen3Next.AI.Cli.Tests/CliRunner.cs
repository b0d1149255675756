using Qwen3Next.AI.Cli.Output;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests;

internal sealed record CliResult(int ExitCode, string Out, string Error);

/// <summary>Runs the tool in this process, with no terminal attached.</summary>
internal static class CliRunner
{
    public static Task<CliResult> RunAsync(params string[] args) => RunWithAsync(new StringReader(""), args);

    public static async Task<CliResult> RunWithAsync(TextReader input, params string[] args)
    {
        StringWriter output = new(), error = new();
        var code = await CliApplication.RunAsync(args, new Terminal { In = input, Out = output, Error = error });
        return new CliResult(code, output.ToString(), error.ToString());
    }

    /// <summary>Failed with one line on standard error that begins like this, and nothing else.</summary>
    public static void AssertError(this CliResult result, int exitCode, string beginning)
    {
        Assert.StartsWith("error: " + beginning, result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Equal("", result.Out);
        Assert.Equal(exitCode, result.ExitCode);
    }
}
