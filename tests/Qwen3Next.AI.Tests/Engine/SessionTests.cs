using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class SessionTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"session-{Guid.NewGuid():N}");

    [Theory]
    [InlineData("next-tiny")]
    [InlineData("qwen3-moe-tiny")]
    public async Task Load_InAnotherEngine_ContinuesTheConversation(string model)
    {
        var first = new GenerationRequest { Prompt = PrefixCacheTests.Tokens(1, 60, 250), MaxTokens = 20, StopTokens = [] };
        List<int> history;
        (List<int> Tokens, GenerationStatistics Statistics) expected;
        await using (var engine = Engine(model))
        {
            var earlier = await RunAsync(engine, first);
            history = [.. first.Prompt.Span, .. earlier.Tokens, 7, 8, 9];
            Assert.Equal(79, await engine.SaveSessionAsync(history.ToArray(), _file));
            expected = await RunAsync(engine, first with { Prompt = history.ToArray() });
        }
        await using var other = Engine(model);
        Assert.Equal(79, await other.LoadSessionAsync(_file));
        var answer = await RunAsync(other, first with { Prompt = history.ToArray() });
        Assert.Equal(79, answer.Statistics.CachedPromptTokens);
        Assert.Equal(expected.Tokens, answer.Tokens);
    }

    [Fact]
    public async Task Save_NothingKnown_WritesNothing()
    {
        await using var engine = Engine("next-tiny");
        Assert.Equal(0, await engine.SaveSessionAsync(new[] { 1, 2, 3 }, _file));
        Assert.False(File.Exists(_file));
    }

    [Fact]
    public async Task Load_WrongFile_SaysWhatIsWrong()
    {
        await using var engine = Engine("next-tiny");
        await RunAsync(engine, new GenerationRequest { Prompt = PrefixCacheTests.Tokens(1, 60), MaxTokens = 2, StopTokens = [] });
        Assert.True(await engine.SaveSessionAsync(PrefixCacheTests.Tokens(1, 60), _file) > 0);
        var bytes = await File.ReadAllBytesAsync(_file);

        await using var other = Engine("next-yarn");
        Assert.Contains("is a session of 'next-tiny", (await Assert.ThrowsAsync<Qwen3NextException>(() => other.LoadSessionAsync(_file))).Message, StringComparison.Ordinal);
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var damaged = round < 200 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
            // Lengths and ids lie in front; beyond are numbers, of which any value is a number.
            if (round >= 200) damaged[random.Next(8)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(_file, damaged);
            await Assert.ThrowsAsync<Qwen3NextException>(() => engine.LoadSessionAsync(_file));
        }
        await Assert.ThrowsAsync<FileNotFoundException>(() => engine.LoadSessionAsync(_file + ".missing"));
    }

    public void Dispose() => File.Delete(_file);

    private static Qwen3NextEngine Engine(string model) => new(new Qwen3NextOptions
    {
        ModelPath = Golden.Path(model), Device = Qwen3NextDevice.Cpu, MaxContextTokens = 256, MaxConcurrentRequests = 2,
    });

    private static async Task<(List<int> Tokens, GenerationStatistics Statistics)> RunAsync(Qwen3NextEngine engine, GenerationRequest request)
    {
        var tokens = new List<int>();
        GenerationStatistics? statistics = null;
        await foreach (var step in engine.GenerateAsync(request))
        {
            tokens.AddRange(step.Tokens.Span);
            statistics = step.Statistics ?? statistics;
        }
        return (tokens, statistics!);
    }
}
