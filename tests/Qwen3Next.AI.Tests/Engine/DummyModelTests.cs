using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class DummyModelTests
{
    private static Qwen3NextOptions Options => new()
    {
        Device = Qwen3NextDevice.Cpu, DummyWeights = new Qwen3NextDummyWeights { Model = Golden.Path("next-tiny") }, MaxContextTokens = 128,
    };

    [Fact]
    public async Task Generate_FromAShapeAlone_GivesTheSameTokensEveryTime()
    {
        var first = await TokensAsync(Options);
        Assert.Equal(20, first.Count);
        Assert.Equal(first, await TokensAsync(Options));
    }

    [Fact]
    public async Task Generate_FirstLayersOnly_IsAnotherModel()
    {
        var dummy = new Qwen3NextDummyWeights { Model = Options.DummyWeights!.Model, Layers = 1 };
        Assert.NotEqual(await TokensAsync(Options), await TokensAsync(new Qwen3NextOptions { Device = Qwen3NextDevice.Cpu, DummyWeights = dummy, MaxContextTokens = 128 }));
    }

    [Fact]
    public void PlanMemory_WholeShapeInFloat8_IsCountedWithoutLoading()
    {
        using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            Device = Qwen3NextDevice.Cpu, DummyWeights = new Qwen3NextDummyWeights { Model = "qwen3-next-80b-a3b" },
            WeightType = Qwen3NextWeightType.Float8, MaxContextTokens = 1024,
        });
        // 79.7 billion parameters of the main model and 1.6 of the prediction module: 8 bits each, 16 for embedding, head and small matrices.
        Assert.InRange(engine.PlanMemory().Weights, 81.2e9, 83.5e9);
        Assert.Equal("qwen3-next-80b-a3b (dummy weights)", engine.ModelInfo.ModelId);
    }

    [Theory]
    [InlineData("no-such-shape", null, "'no-such-shape' is neither a known shape (qwen3-next-80b-a3b")]
    [InlineData("qwen3-32b", 65, "65 layers are asked for; qwen3-32b has 64.")]
    public void Load_UnknownShape_SaysWhatThereIs(string model, int? layers, string message)
    {
        using var engine = new Qwen3NextEngine(new Qwen3NextOptions { DummyWeights = new Qwen3NextDummyWeights { Model = model, Layers = layers } });
        Assert.StartsWith(message, Assert.Throws<CheckpointException>(() => engine.ModelInfo).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokenizer_OfMadeUpWeights_IsRefused()
    {
        using var engine = new Qwen3NextEngine(Options);
        Assert.Contains("have no tokenizer", Assert.Throws<Qwen3NextException>(() => engine.Tokenizer).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_GpuOnlyOptionOnTheCpu_NamesTheOption()
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            Device = Qwen3NextDevice.Cpu, ModelPath = Golden.Path("next-tiny"), KvCacheType = Qwen3NextKvCacheType.Float8,
        });
        Assert.StartsWith("KvCacheType is Float8", (await Assert.ThrowsAsync<Qwen3NextException>(() => engine.LoadAsync())).Message, StringComparison.Ordinal);
    }

    private static async Task<List<int>> TokensAsync(Qwen3NextOptions options)
    {
        await using var engine = new Qwen3NextEngine(options);
        var tokens = new List<int>();
        await foreach (var step in engine.GenerateAsync(new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 20, StopTokens = [] }))
            tokens.AddRange(step.Tokens.Span);
        return tokens;
    }
}
