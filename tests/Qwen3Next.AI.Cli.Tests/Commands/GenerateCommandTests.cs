using System.Text.Json;
using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Commands;

public sealed class GenerateCommandTests
{
    [Fact]
    public async Task Generate_GreedyOnTokens_GivesTheReferenceTokens()
    {
        var reference = new ReferenceFile(Path.Combine(TestModel.Reference, "reference.safetensors"));
        var result = await CliRunner.RunAsync("generate", "--model", TestModel.Reference, "--tokens", string.Join(',', reference.Ints("prompt0.ids")),
            "--max-tokens", "32", "--temperature", "0", "--ignore-eos", "--format", "json", "--threads", "2", "--device", "cpu");
        using var json = JsonDocument.Parse(result.Out);
        Assert.Equal(reference.Ints("prompt0.greedy"), Tokens(json));
        Assert.Equal("length", json.RootElement.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("text").ValueKind);
        Assert.StartsWith("note: the text is left out.", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task Generate_Json_CountsAndTimes()
    {
        using var json = JsonDocument.Parse((await GenerateAsync("--prompt", "Hello", "--max-tokens", "7", "--format", "json")).Out);
        var usage = json.RootElement.GetProperty("usage");
        Assert.Equal((5, 7, 12), (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()));
        var timings = json.RootElement.GetProperty("timings");
        foreach (var name in new[] { "load_ms", "queue_ms", "prefill_ms", "decode_ms", "prefill_tokens_per_second", "decode_tokens_per_second" })
            Assert.True(timings.GetProperty(name).GetDouble() >= 0, name);
    }

    [Fact]
    public async Task Generate_OneToken_HasNoDecodeRate()
    {
        using var json = JsonDocument.Parse((await GenerateAsync("--prompt", "Hello", "--max-tokens", "1", "--format", "json")).Out);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("timings").GetProperty("decode_tokens_per_second").ValueKind);
    }

    [Fact]
    public async Task Generate_Text_IsTheExactTextWithoutControlCharacters()
    {
        string[] args = ["--prompt", "@a - b", "--max-tokens", "200", "--temperature", "1", "--seed", "7"];
        var text = (await GenerateAsync([.. args, "--format", "text"])).Out;
        using var json = JsonDocument.Parse((await GenerateAsync([.. args, "--format", "json"])).Out);
        var exact = json.RootElement.GetProperty("text").GetString()!;
        Assert.Contains(exact, c => char.IsControl(c) && c is not ('\n' or '\t')); // a random model over bytes writes them
        Assert.Equal(string.Concat(exact.Where(c => !char.IsControl(c) || c is '\n' or '\t')) + Environment.NewLine, text);
    }

    [Fact]
    public async Task Generate_Seed_DecidesTheDraws()
    {
        async Task<string> Draw(string seed) => (await GenerateAsync("--prompt", "x", "--max-tokens", "20", "--temperature", "1", "--seed", seed)).Out;
        var first = await Draw("1");
        Assert.Equal(first, await Draw("1"));
        Assert.NotEqual(first, await Draw("2"));
    }

    [Theory]
    [InlineData("--top-k", "1")]
    [InlineData("--top-p", "0.0001")]
    public async Task Generate_OnlyTheMostLikelyTokenKept_IsGreedy(string option, string value)
    {
        string[] args = ["--prompt", "x", "--max-tokens", "20", "--seed", "1"];
        var greedy = (await GenerateAsync([.. args, "--temperature", "0"])).Out;
        Assert.NotEqual(greedy, (await GenerateAsync([.. args, "--temperature", "1"])).Out);
        Assert.Equal(greedy, (await GenerateAsync([.. args, "--temperature", "1", option, value])).Out);
    }

    [Theory]
    [InlineData("Give either --prompt or --tokens.")]
    [InlineData("Give either --prompt or --tokens.", "--prompt", "x", "--tokens", "1")]
    [InlineData("--prompt is empty; give at least one character.", "--prompt", "")]
    [InlineData("--tokens has 'x'; it must be token ids separated by commas, such as 1,2,3.", "--tokens", "1,x")]
    [InlineData("--tokens has ''; it must be token ids separated by commas, such as 1,2,3.", "--tokens", "1,,2")]
    [InlineData("--tokens has '-1'; it must be token ids separated by commas, such as 1,2,3.", "--tokens", "-1")]
    [InlineData("--tokens has 256; the ids of ", "--tokens", "1,256")]
    [InlineData("--max-tokens is '0'; it must be a whole number from 1 to 1048576.", "--prompt", "x", "--max-tokens", "0")]
    [InlineData("--max-tokens is '1.5'; it must be a whole number from 1 to 1048576.", "--prompt", "x", "--max-tokens", "1.5")]
    [InlineData("--temperature is 'NaN'; it must be a number from 0 to 100.", "--prompt", "x", "--temperature", "NaN")]
    [InlineData("--temperature is '0,7'; it must be a number from 0 to 100.", "--prompt", "x", "--temperature", "0,7")]
    [InlineData("--top-k is '-1'; it must be a whole number from 0 to 2147483647.", "--prompt", "x", "--top-k", "-1")]
    [InlineData("--top-p is '0'; it must be a number from 0.0001 to 1.", "--prompt", "x", "--top-p", "0")]
    [InlineData("--seed is 'a'; it must be a whole number from -9223372036854775808 to 9223372036854775807.", "--prompt", "x", "--seed", "a")]
    [InlineData("--format is 'xml'; it must be text or json.", "--prompt", "x", "--format", "xml")]
    [InlineData("--device is 'gpu'; it must be auto, cpu or cuda.", "--prompt", "x", "--device", "gpu")]
    [InlineData("--threads is '0'; it must be a whole number from 1 to 1024.", "--prompt", "x", "--threads", "0")]
    [InlineData("--context is '8'; it must be a whole number from 16 to 1048576.", "--prompt", "x", "--context", "8")]
    public async Task Generate_WrongUsage_IsOneLineAndCode2(string message, params string[] args) =>
        (await GenerateAsync(args)).AssertError(2, message);

    [Theory]
    [InlineData("--context is 512;", "--prompt", "x", "--context", "512")]
    [InlineData("The prompt has 20 tokens; the context holds 16", "--prompt", "12345678901234567890", "--context", "16")]
    public async Task Generate_Failure_IsOneLineAndCode1(string message, params string[] args) =>
        (await GenerateAsync(args)).AssertError(1, message);

    [Fact]
    public async Task Generate_NoCudaDriver_SaysWhatToInstall()
    {
        Assert.SkipWhen(System.Runtime.InteropServices.NativeLibrary.TryLoad("libcuda.so.1", out _), "This machine has a CUDA driver.");
        (await GenerateAsync("--prompt", "x", "--device", "cuda")).AssertError(1, "Loading the CUDA driver failed");
    }

    [Fact]
    public async Task Generate_TextWithoutTokenizer_SaysWhatIsMissing() =>
        (await CliRunner.RunAsync("generate", "--model", TestModel.Reference, "--tokens", "1")).AssertError(1, "Tokenizer '");

    private static Task<CliResult> GenerateAsync(params string[] args) => CliRunner.RunAsync(["generate", "--model", TestModel.Folder, .. args]);

    private static int[] Tokens(JsonDocument json) => [.. json.RootElement.GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32())];
}
