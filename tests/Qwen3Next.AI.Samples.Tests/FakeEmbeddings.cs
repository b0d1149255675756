using Microsoft.Extensions.AI;

namespace LongDocumentRag.Tests;

/// <summary>Embeddings that know which words mean the same: one number for each group of words.</summary>
internal sealed class FakeEmbeddings(params string[][] groups) : IEmbeddingGenerator<string, Embedding<float>>
{
    public int Calls { get; private set; }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Calls++;
        return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(Of(text)))));
    }

    public float[] Of(string text) => [.. groups.Select(words => words.Any(word => text.Contains(word, StringComparison.OrdinalIgnoreCase)) ? 1f : 0.01f)];

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("fake", null, $"fake-{groups.Length}") : null;

    public void Dispose()
    {
    }
}
