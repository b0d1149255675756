using Qwen3Next.AI.Model;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

public sealed class GenerationDefaultsTests : IDisposable
{
    private static readonly Qwen3NextConfig Config = PublishedModels.Get("qwen3-next-80b-a3b");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_PublishedValues_AreRead()
    {
        var actual = Load("""
            {"do_sample":true,"temperature":0.7,"top_p":0.8,"top_k":20,"min_p":0,"repetition_penalty":1.05,"eos_token_id":[151645,151643]}
            """);
        Assert.Equal([151645, 151643], actual.StopTokens);
        Assert.Equal(new GenerationDefaults
        {
            DoSample = true, Temperature = 0.7f, TopP = 0.8f, TopK = 20, MinP = 0, RepetitionPenalty = 1.05f, StopTokens = actual.StopTokens,
        }, actual);
    }

    [Theory]
    [InlineData("{}", 151645)]
    [InlineData("""{"eos_token_id":null}""", 151645)]
    [InlineData("""{"eos_token_id":7}""", 7)]
    public void Load_SilentFile_LeavesValuesOpenAndStopTokensToTheConfiguration(string json, int stop)
    {
        var defaults = Load(json);
        Assert.Equal([stop], defaults.StopTokens);
        Assert.Equal(new GenerationDefaults { StopTokens = defaults.StopTokens }, defaults);
    }

    [Fact]
    public void Load_NoFile_UsesTheConfiguration()
    {
        File.WriteAllText(_folder.File("config.json"), "{}");
        Assert.Equal([151645], GenerationDefaults.Load(_folder.Path, Config).StopTokens);
    }

    [Theory]
    [InlineData("""{"temperature":-0.1}""", "temperature is -0.1; it must be a number from 0, at most 100")]
    [InlineData("""{"top_p":0}""", "top_p")]
    [InlineData("""{"top_k":-1}""", "top_k")]
    [InlineData("""{"top_k":1.5}""", "top_k")]
    [InlineData("""{"min_p":1.1}""", "min_p")]
    [InlineData("""{"repetition_penalty":0}""", "repetition_penalty")]
    [InlineData("""{"do_sample":"yes"}""", "do_sample")]
    [InlineData("""{"eos_token_id":"</s>"}""", "eos_token_id")]
    [InlineData("{", "not valid JSON")]
    public void Load_ValueOutOfRange_NamesFileAndField(string json, string expected)
    {
        var message = Assert.Throws<CheckpointException>(() => Load(json)).Message;
        Assert.Contains("generation_config.json", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    private GenerationDefaults Load(string json)
    {
        File.WriteAllText(_folder.File("config.json"), "{}");
        File.WriteAllText(_folder.File("generation_config.json"), json);
        return GenerationDefaults.Load(_folder.Path, Config);
    }
}
