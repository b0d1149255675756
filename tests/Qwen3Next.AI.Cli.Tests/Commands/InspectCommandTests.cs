using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class InspectCommandTests
{
    [Fact]
    public async Task Inspect_Folder_ShowsWhatItHolds()
    {
        var result = await CliRunner.RunAsync("inspect", TestModel.Reference, "--threads", "1", "--device", "cpu");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("qwen3_next, prompt format instruct", result.Out, StringComparison.Ordinal);
        Assert.Contains("4: 3 linear_attention, 1 full_attention (DDDA)", result.Out, StringComparison.Ordinal);
        Assert.Contains("2 of 8 per token, in 4 layers", result.Out, StringComparison.Ordinal);
        Assert.Contains("BF16", result.Out, StringComparison.Ordinal);
        Assert.Contains("KV cache", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public async Task Inspect_ContextBeyondTheModel_IsAnError() =>
        (await CliRunner.RunAsync("inspect", TestModel.Reference, "--context", "300")).AssertError(1, "--context is 300;");

    [Fact]
    public async Task Inspect_NoFolder_IsOneLineAndCode1() =>
        (await CliRunner.RunAsync("inspect", Path.Combine(TestModel.Reference, "nowhere"))).AssertError(1, "Folder ");

    [Fact]
    public async Task Inspect_TwoFolders_IsWrongUsage() =>
        (await CliRunner.RunAsync("inspect", "a", "b")).AssertError(2, "Unrecognized command or argument 'b'. See 'qwen3next inspect --help'.");
}
