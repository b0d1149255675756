using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

/// <summary>The whole path, from the command line to the bundled model and back.</summary>
public sealed class ChatCommandTests
{
    [Fact]
    public async Task Chat_Prompt_CalculatesAndAnswers()
    {
        RequireTinyModel();
        var result = await CliRunner.RunAsync("chat", "--prompt", "What is 37 * 12?", "--temperature", "0");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("[calculate(expression: \"37 * 12\")]", result.Out, StringComparison.Ordinal);
        Assert.Contains("[result: 444]", result.Out, StringComparison.Ordinal);
        Assert.Matches(@"\n[^<\[\n]*444[^\n]*\n\[\d+ tokens, \d+ tokens/s, \d+ % of \d+ drafts right; prompt \d+ tokens.*\]\r?\n$", result.Out);
        Assert.DoesNotContain('\e', result.Out);
    }

    [Fact]
    public async Task Chat_Lines_AreOneConversation()
    {
        RequireTinyModel();
        var result = await CliRunner.RunWithAsync(new StringReader("My name is Ada.\nWhat is my name?\n/exit\n"), "chat", "--temperature", "0", "--no-tools");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal(2, result.Out.Split("; prompt ").Length - 1);
        Assert.Contains("Ada", result.Out[result.Out.IndexOf(" tokens/s", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_Seed_DecidesTheAnswer()
    {
        RequireTinyModel();
        async Task<string> Ask(string seed)
        {
            var text = (await CliRunner.RunAsync("chat", "--prompt", "Tell me something.", "--temperature", "50", "--seed", seed, "--max-tokens", "40", "--no-tools")).Out;
            return text[..text.LastIndexOf('[')]; // the speed differs
        }
        var first = await Ask("1");
        Assert.Equal(first, await Ask("1"));
        Assert.NotEqual(first, await Ask("2"));
    }

    [Theory]
    [InlineData("--prompt is empty; give a question.", "--prompt", " ")]
    [InlineData("--temperature is '-1'; it must be a number from 0 to 100.", "--temperature", "-1")]
    [InlineData("--seed is '1.5'; it must be a whole number", "--seed", "1.5")]
    [InlineData("--max-tokens is '0'; it must be a whole number from 1 to 1048576.", "--max-tokens", "0")]
    [InlineData("--device is 'tpu'; it must be auto, cpu or cuda.", "--device", "tpu")]
    [InlineData("--threads is '1025'; it must be a whole number from 1 to 1024.", "--threads", "1025")]
    [InlineData("Required argument missing for option: '--system'.", "--system")]
    public async Task Chat_WrongUsage_IsOneLineAndCode2(string message, params string[] args) =>
        (await CliRunner.RunAsync(["chat", .. args])).AssertError(2, message);

    [Theory]
    [InlineData("does not exist", "--model", "/nowhere")]
    [InlineData("'", "--model", "")]
    public async Task Chat_NoModel_IsOneLineAndCode1(string message, params string[] args)
    {
        var result = await CliRunner.RunAsync(["chat", "--prompt", "x", .. args]);
        result.AssertError(1, "");
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_NoTokenizer_FailsBeforeAnyWeight() =>
        (await CliRunner.RunAsync("chat", "--prompt", "x", "--model", TestModel.Reference)).AssertError(1, "Tokenizer '");

    private static void RequireTinyModel() =>
        Assert.SkipUnless(File.Exists(Path.Combine(TinyCheckpoint.Path, "config.json")), "the bundled tiny model is not built yet");
}
