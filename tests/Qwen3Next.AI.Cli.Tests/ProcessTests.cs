using System.Diagnostics;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests;

/// <summary>The tool as its users start it.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task Process_Generate_PrintsPlainTextAndExits0()
    {
        using var process = Start("generate", "--model", TestModel.Folder, "--prompt", "Hi", "--max-tokens", "40");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal((0, ""), (process.ExitCode, await error));
        Assert.NotEqual("", await output);
        Assert.DoesNotContain('\e', await output);
    }

    [Fact]
    public async Task Process_WrongUsage_Exits2WithOneLine()
    {
        using var process = Start("generate");
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, process.ExitCode);
        Assert.Equal("error: Give either --prompt or --tokens. See 'qwen3next generate --help'.", error.TrimEnd());
    }

    [Fact]
    public async Task Process_Interrupted_Exits130()
    {
        Interrupt.SkipWhereImpossible();
        using var process = Start("bench", "--model", TestModel.Reference, "--prompt-tokens", "8", "--tokens", "8", "--runs", "1000");
        await Task.Delay(1500);
        await Interrupt.SendAsync(process);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(130, process.ExitCode);
    }

    private static Process Start(params string[] args) => Process.Start(
        new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "qwen3next.dll"), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
