using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class LogitsCommandTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"logits-{Guid.NewGuid():N}.safetensors");

    [Theory]
    [InlineData("all")]
    [InlineData("last")]
    public async Task Logits_Rows_MeetTheReference(string rows)
    {
        var reference = new ReferenceFile(Path.Combine(TestModel.Reference, "reference.safetensors"));
        var ids = reference.Ints("prompt0.ids");
        var expected = reference.Floats("prompt0.logits");
        var vocabulary = expected.Length / ids.Length;
        if (rows == "last") expected = expected[^vocabulary..];

        var result = await CliRunner.RunAsync("logits", "--model", TestModel.Reference, "--tokens", string.Join(',', ids), "--rows", rows, "--out", _file);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal($"{_file}: logits [{expected.Length / vocabulary}, {vocabulary}] F32{Environment.NewLine}", result.Out);
        var actual = new ReferenceFile(_file).Floats("logits");
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < actual.Length; i++) Assert.True(Math.Abs(actual[i] - expected[i]) <= 1e-4 + 1e-4 * Math.Abs(expected[i]), $"{i}: {actual[i]}, expected {expected[i]}");
    }

    [Theory]
    [InlineData("Option '--tokens' is required.", "--out", "x")]
    [InlineData("Option '--out' is required.", "--tokens", "1")]
    [InlineData("--rows is 'first'; it must be last or all.", "--tokens", "1", "--out", "x", "--rows", "first")]
    [InlineData("--tokens has 999; the ids of next-yarn lie between 0 and 255.", "--tokens", "999", "--out", "x")]
    public async Task Logits_WrongUsage_IsOneLineAndCode2(string message, params string[] args) =>
        (await CliRunner.RunAsync(["logits", "--model", TestModel.Reference, .. args])).AssertError(2, message);

    [Fact]
    public async Task Logits_NoSuchFolder_IsOneLineAndCode1() =>
        (await CliRunner.RunAsync("logits", "--model", TestModel.Reference, "--tokens", "1", "--out", Path.Combine(_file, "x"))).AssertError(1, "");

    public void Dispose() => File.Delete(_file);
}
