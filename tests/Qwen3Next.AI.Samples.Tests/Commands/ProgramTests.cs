using System.Diagnostics;
using LongDocumentRag.Tests.Store;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Commands;

/// <summary>The sample as a program, as people start it.</summary>
[Collection(nameof(Answering.TinyModel))]
public sealed class ProgramTests(PostgresServer server) : IClassFixture<PostgresServer>, IDisposable
{
    private readonly TemporaryFolder _folder = new(), _current = new();
    private readonly Dictionary<string, string> _settings = [];

    public void Dispose()
    {
        _folder.Dispose();
        _current.Dispose();
    }

    private async Task<(int Code, string Output)> RunAsync(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "LongDocumentRag.dll"), .. arguments])
        {
            WorkingDirectory = _current.Path, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in _settings) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, output + await errors);
    }

    [Fact]
    public async Task Run_IngestThenChat_AnswersWithTheSource()
    {
        File.WriteAllText(_folder.File("town.md"), "# Town\nVarden lies on the river Ister. The mayor of Varden is Greta Holm.");
        File.WriteAllText(_folder.File("bad.pdf"), "no pdf");
        var ingest = await RunAsync("", "ingest", _folder.Path);
        Assert.Equal(1, ingest.Code);
        Assert.Contains("bad.pdf: skipped: cannot be read", ingest.Output);
        Assert.Contains("town.md: added, 1 passages", ingest.Output);
        Assert.Contains("1 added, 1 failed", ingest.Output);

        var chat = await RunAsync("Who is the mayor of Varden?\n\n", "chat");
        Assert.Equal(0, chat.Code);
        Assert.Contains("[search: ", chat.Output);
        Assert.Contains("Greta Holm. [1]\n  [1] town.md, Town", chat.Output);
    }

    [Fact]
    public async Task Run_PostgresInTheSettings_KeepsThePassagesThere()
    {
        Assert.SkipWhen(server.Connection is null, server.Missing);
        (_settings["Rag__Store"], _settings["Rag__PostgresConnection"]) = ("Postgres", server.Connection!);
        File.WriteAllText(_folder.File("town.md"), "# Town\nVarden lies on the river Ister. The mayor of Varden is Greta Holm.");
        Assert.Contains("1 added", (await RunAsync("", "ingest", _folder.Path)).Output);
        Assert.Contains("1 unchanged", (await RunAsync("", "ingest", _folder.Path)).Output);
        Assert.Contains("Greta Holm. [1]", (await RunAsync("", "ask", "Who is the mayor of Varden?")).Output);
        Assert.Empty(Directory.GetFiles(_current.Path));
    }

    [Theory]
    [InlineData("PostgresConnection", "")]
    [InlineData("PostgresConnection", "no connection string")]
    [InlineData("Passages", "0")]
    [InlineData("Passages", "three")]
    public async Task Run_WrongSetting_IsNamed(string name, string value)
    {
        (_settings["Rag__Store"], _settings[$"Rag__{name}"]) = (name == "PostgresConnection" ? "Postgres" : "Sqlite", value);
        var (code, output) = await RunAsync("", "ask", "Who is the mayor?");
        Assert.Equal(1, code);
        Assert.Contains(name, output);
        Assert.DoesNotContain("   at ", output);
    }

    [Fact]
    public async Task Run_Read_CountsWhatTheCacheHad()
    {
        File.WriteAllText(_folder.File("town.md"), "# Town\nVarden lies on the river Ister. The mayor of Varden is Greta Holm.");
        var (code, output) = await RunAsync("Who is the mayor of Varden?\nOn which river does Varden lie?\n", "read", _folder.File("town.md"));
        Assert.Equal(0, code);
        Assert.Contains("Greta Holm. [1]", output);
        Assert.Contains("river Ister. [1]", output);
        Assert.Matches(@"tokens of prompt, 0 of them from the cache(.|\n)*tokens of prompt, [1-9]\d* of them from the cache", output);
    }

    [Theory]
    [InlineData("does not exist", "ingest", "nowhere")]
    [InlineData("is not read", "read", "LongDocumentRag.dll")]
    [InlineData("Required command", "")]
    public async Task Run_WrongUse_SaysWhatIsWrong(string expected, params string[] arguments)
    {
        if (arguments is ["read", var file]) arguments = ["read", Path.Combine(AppContext.BaseDirectory, file)];
        var (code, output) = await RunAsync("", [.. arguments.Where(argument => argument.Length > 0)]);
        Assert.Equal(1, code);
        Assert.Contains(expected, output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", output);
    }
}
