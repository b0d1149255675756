using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class ServeCommandTests
{
    [Theory]
    [InlineData("--host is 0.0.0.0, where others can reach the model. Set an API key in QWEN3NEXT_API_KEY or --api-key, or say --open-to-anyone.", "--host", "0.0.0.0")]
    [InlineData("--host is 'example'; it must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost.", "--host", "example")]
    [InlineData("--api-key is empty; give a key, or leave the option out.", "--api-key", "")]
    [InlineData("The API key has a space or a character outside ASCII, which headers cannot carry. Choose another.", "--api-key", "a b")]
    public async Task Serve_WrongUsage_ExitsBeforeLoading(string message, params string[] args) =>
        (await CliRunner.RunAsync(["serve", "--model", TestModel.Folder, .. args])).AssertError(2, message + " See 'qwen3next serve --help'.");

    [Fact]
    public async Task Serve_PortInUse_IsOneLine()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        using var process = Start("--port", $"{port}");
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((1, $"error: Failed to bind to address http://127.0.0.1:{port}: address already in use.\n"), (process.ExitCode, error.ReplaceLineEndings("\n")));
    }

    /// <summary>The process as its users start it: says where it is, answers those with the key, and ends in order.</summary>
    [Fact]
    public async Task Serve_Process_AnswersUntilInterrupted()
    {
        Interrupt.SkipWhereImpossible();
        using var process = Start("--model-id", "small", "--host", "localhost", "--port", "0");
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Matches(@"^small answers at http://127\.0\.0\.1:\d+\. Ctrl\+C stops it\.$", line);

        using var http = new HttpClient { BaseAddress = new Uri(line!.Split(' ')[3].TrimEnd('.')) };
        Assert.Contains("\"small\"", await http.GetStringAsync("/health"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/v1/models")).StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "key-of-the-environment");
        Assert.Contains("\"max_model_len\":256", await http.GetStringAsync("/v1/models"), StringComparison.Ordinal);

        await Interrupt.SendAsync(process);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((0, ""), (process.ExitCode, await process.StandardError.ReadToEndAsync()));
    }

    private static Process Start(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "qwen3next.dll"), "serve", "--model", TestModel.Folder, .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["QWEN3NEXT_API_KEY"] = "key-of-the-environment";
        return Process.Start(start)!;
    }
}
