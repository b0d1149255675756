using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace Qwen3Next.AI.Tests;

public sealed class Qwen3NextEmbeddingGeneratorTests
{
    private static Qwen3NextEmbeddingGenerator Tiny(int places = 4) =>
        new(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, ModelId = "tiny", MaxContextTokens = 256, MaxConcurrentRequests = places, MaxQueueLength = 0 });

    /// <summary>The reference has the last layer's output; norm and scaling are done here, in double precision.</summary>
    [Theory]
    [InlineData("prompt0")]
    [InlineData("prompt1")]
    public async Task HiddenState_DenseCheckpoint_EqualsTheReference(string prompt)
    {
        var folder = Golden.Path("qwen3-dense-tiny");
        var reference = new ReferenceFile(Path.Combine(folder, "reference.safetensors"));
        var weights = new ReferenceFile(Path.Combine(folder, "model.safetensors"));
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = folder, MaxContextTokens = 256 });
        var norm = weights.Bf16s("model.norm.weight");
        var last = reference.Floats($"{prompt}.layer1.out")[^norm.Length..].Select(x => (double)x).ToArray();
        var rms = Math.Sqrt(last.Average(x => x * x) + 1e-6);
        var expected = last.Select((x, i) => x / rms * norm[i]).ToArray();
        var length = Math.Sqrt(expected.Sum(x => x * x));

        var embedding = Qwen3NextEmbeddingGenerator.Shorten(await engine.ComputeHiddenStateAsync(reference.Ints($"{prompt}.ids")), null);
        Assert.Equal(norm.Length, embedding.Length);
        for (var i = 0; i < embedding.Length; i++) Assert.Equal(expected[i] / length, embedding[i], 1e-4);
    }

    [Fact]
    public async Task Generate_ManyTexts_EqualThoseOneByOne()
    {
        using var generator = Tiny();
        string[] texts = ["Hello!", "What is 2 + 2?", "", "Count from 3 to 7.", "Turn on the Kitchen lamp.", "Hello!"];
        var together = await generator.GenerateAsync(texts);
        Assert.Equal(texts.Length, together.Count);
        for (var i = 0; i < texts.Length; i++) Assert.Equal((await generator.GenerateVectorAsync(texts[i])).ToArray(), together[i].Vector.ToArray());
        Assert.Equal(together[0].Vector.ToArray(), together[5].Vector.ToArray());
        Assert.NotEqual(together[0].Vector.ToArray(), together[1].Vector.ToArray());
        Assert.All(together, e => Assert.Equal(1, Math.Sqrt(e.Vector.ToArray().Sum(x => (double)x * x)), 1e-5));
        Assert.All(together, e => Assert.Equal("tiny", e.ModelId));
        var tokenizer = generator.GetService<Qwen3NextEngine>()!.Tokenizer;
        Assert.Equal(texts.Sum(t => tokenizer.Encode(t).Length + 1), together.Usage!.InputTokenCount);
        Assert.Equal(together.Usage.InputTokenCount, together.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Generate_Dimensions_AreTheLeadingOnesScaledBack()
    {
        using var generator = Tiny();
        var whole = (await generator.GenerateVectorAsync("Hello!")).ToArray();
        var some = (await generator.GenerateVectorAsync("Hello!", new EmbeddingGenerationOptions { Dimensions = 32 })).ToArray();
        var length = Math.Sqrt(whole[..32].Sum(x => (double)x * x));
        Assert.Equal(32, some.Length);
        for (var i = 0; i < 32; i++) Assert.Equal(whole[i] / length, some[i], 1e-5);
    }

    [Fact]
    public async Task Generate_Instruction_IsPutBeforeTheText()
    {
        using var generator = Tiny();
        var told = await generator.GenerateVectorAsync("sun", new EmbeddingGenerationOptions { AdditionalProperties = new() { ["instruction"] = "Find it" } });
        Assert.Equal((await generator.GenerateVectorAsync("Instruct: Find it\nQuery:sun")).ToArray(), told.ToArray());
        Assert.NotEqual((await generator.GenerateVectorAsync("sun")).ToArray(), told.ToArray());
    }

    [Fact]
    public async Task Generate_WrongArguments_AreNamed()
    {
        using var generator = Tiny();
        await Assert.ThrowsAsync<ArgumentNullException>("values", () => generator.GenerateAsync((IEnumerable<string>)null!));
        await Assert.ThrowsAsync<ArgumentException>("values", () => generator.GenerateAsync([null!]));
        Assert.Contains("'tiny' only", (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateVectorAsync("a", new EmbeddingGenerationOptions { ModelId = "b" }))).Message);
        Assert.Contains("the model has 256", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => generator.GenerateVectorAsync("a", new EmbeddingGenerationOptions { Dimensions = 257 }))).Message);
        await Assert.ThrowsAsync<ContextLengthExceededException>(() => generator.GenerateVectorAsync(new string('9', 400)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => generator.GenerateVectorAsync("a", cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task AddQwen3NextEmbeddingGenerator_BesideAChatModel_IsResolvedAndDescribed()
    {
        var services = new ServiceCollection();
        services.AddQwen3Next(o => o.ModelPath = TinyCheckpoint.Path);
        services.AddQwen3NextEmbeddingGenerator(configure: o => (o.ModelPath, o.ModelId, o.MaxContextTokens) = (TinyCheckpoint.Path, "tiny", 256));
        await using var provider = services.BuildServiceProvider();
        var generator = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        var metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(("qwen3next", null, "tiny"), (metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId));
        Assert.Same(provider.GetRequiredKeyedService<IQwen3NextEngine>("embedding"), generator.GetService<IQwen3NextEngine>());
        Assert.NotSame(provider.GetRequiredService<IQwen3NextEngine>(), generator.GetService<IQwen3NextEngine>());
        Assert.Equal(256, (await generator.GenerateVectorAsync("Hello!")).Length);
        Assert.Null(generator.GetService<IChatClient>());
    }
}
