using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Cli.Tests.Download;
using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class DownloadCommandTests
{
    [Fact]
    public async Task Run_ThenInspect_TheFolderIsAModel()
    {
        using var hub = new HubServer();
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(TestModel.Folder)) hub.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        const string variable = "QWEN3NEXT_TEST_TOKEN";
        Environment.SetEnvironmentVariable(variable, "hf_secret");

        var result = await CliRunner.RunAsync("download", HubServer.Model, "--from", hub.Address.ToString(), "--to", folder.File("model"), "--token-variable", variable);
        Assert.Equal((0, folder.File("model") + Environment.NewLine), (result.ExitCode, result.Out));
        Assert.Contains("model.safetensors, ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", result.Error, StringComparison.Ordinal);
        Assert.Contains("qwen3_next", (await CliRunner.RunAsync("inspect", folder.File("model"))).Out, StringComparison.Ordinal);
        Assert.Contains(hub.Requests, request => request.Authorization == "Bearer hf_secret");
    }

    [Fact]
    public async Task Run_Interrupted_Exits130AndSaysThatItGoesOn()
    {
        using var hub = new HubServer { HoldAfter = 1000 };
        using var folder = new TemporaryFolder();
        hub.Files["config.json"] = "{}"u8.ToArray();
        hub.Files["model.safetensors"] = new byte[100_000];
        var terminal = new Terminal { In = TextReader.Null, Out = new StringWriter(), Error = new StringWriter() };
        var run = CliApplication.RunAsync(["download", HubServer.Model, "--from", hub.Address.ToString(), "--to", folder.File("model")], terminal);
        await hub.Holds.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(terminal.Interrupts.Raise());
        Assert.Equal(130, await run.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains("The same command goes on from here.", terminal.Error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(folder.File("model/.qwen3next-download"), "*.part"));
    }

    [Theory]
    [InlineData("MODEL is 'some-model'; it must be owner/name", "some-model")]
    [InlineData("MODEL is '../../etc'; it must be owner/name", "../../etc")]
    [InlineData("--from is 'ftp://here'; it must be", "a/b", "--from", "ftp://here")]
    [InlineData("--token-variable names QWEN3NEXT_TEST_NOT_SET, which is not set.", "a/b", "--token-variable", "QWEN3NEXT_TEST_NOT_SET")]
    [InlineData("--parallel is '0'", "a/b", "--parallel", "0")]
    public async Task Run_WrongUsage_IsOneLineAndCode2(string message, params string[] args) =>
        (await CliRunner.RunAsync(["download", .. args])).AssertError(2, message);

    [Fact]
    public async Task Run_TokenOverHttpToAnotherMachine_IsRefused()
    {
        Environment.SetEnvironmentVariable("QWEN3NEXT_TEST_OPEN_TOKEN", "secret");
        (await CliRunner.RunAsync("download", "a/b", "--from", "http://models.example", "--token-variable", "QWEN3NEXT_TEST_OPEN_TOKEN")).AssertError(2, "--from is 'http://models.example'; a token is sent over https only.");
    }

    [Fact]
    public async Task Run_UnknownModel_SaysSo()
    {
        using var hub = new HubServer();
        using var folder = new TemporaryFolder();
        var result = await CliRunner.RunAsync("download", "Nobody/nothing", "--from", hub.Address.ToString(), "--to", folder.File("model"));
        result.AssertError(1, $"{hub.Address}api/models/Nobody/nothing/revision/main answered 404. Check the model's name");
    }
}
