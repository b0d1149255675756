using Qwen3Next.AI.Cli.Output;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests;

public sealed class CliApplicationTests
{
    [Theory]
    [InlineData]
    [InlineData("--help")]
    public async Task Run_NoCommand_ShowsAllCommands(params string[] args)
    {
        var result = await CliRunner.RunAsync(args);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        foreach (var command in Commands) Assert.Contains($"  {command.Data} ", result.Out, StringComparison.Ordinal);
        Assert.Contains("  download ", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Run_Help_NamesTheSharedOptions(string command)
    {
        var result = await CliRunner.RunAsync(command, "--help");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("--device <auto|cpu|cuda>", result.Out, StringComparison.Ordinal);
        Assert.Contains("--threads <N>", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Theory]
    [InlineData("Unrecognized command or argument 'frob'. See 'qwen3next --help'.", "frob")]
    [InlineData("Unrecognized command or argument '--frob'. See 'qwen3next generate --help'.", "generate", "--tokens", "1", "--frob")]
    [InlineData("Unrecognized option '--frob'. See 'qwen3next inspect --help'.", "inspect", "--frob")]
    public async Task Run_Unknown_IsOneLineAndCode2(string message, params string[] args) =>
        (await CliRunner.RunAsync(args)).AssertError(2, message);

    [Fact]
    public async Task Run_Interrupted_Exits130()
    {
        var terminal = new Terminal { In = TextReader.Null, Out = new StringWriter(), Error = new StringWriter() };
        var run = CliApplication.RunAsync(["bench", "--model", TestModel.Reference, "--prompt-tokens", "8", "--tokens", "8", "--runs", "1000"], terminal);
        await Task.Delay(100);
        Assert.True(terminal.Interrupts.Raise());
        Assert.Equal(130, await run.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("", terminal.Error.ToString());
    }

    [Fact]
    public async Task Run_ProgressOnATerminal_KeepsStandardOutputClean()
    {
        StringWriter output = new(), error = new();
        var terminal = new Terminal { In = TextReader.Null, Out = output, Error = error, ShowsProgress = true };
        Assert.Equal(0, await CliApplication.RunAsync(["bench", "--model", TestModel.Reference, "--prompt-tokens", "8", "--tokens", "8", "--runs", "1"], terminal));
        Assert.Contains("Warming up", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output.ToString());
    }

    public static TheoryData<string> Commands => ["chat", "serve", "generate", "logits", "render", "inspect", "bench"];
}
