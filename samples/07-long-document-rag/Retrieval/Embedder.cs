using System.Runtime.CompilerServices;
using LongDocumentRag.Documents;
using LongDocumentRag.Store;
using Microsoft.Extensions.AI;

namespace LongDocumentRag.Retrieval;

/// <summary>Embeddings of passages and queries, or none where no embedding model is configured.</summary>
internal sealed class Embedder(IEmbeddingGenerator<string, Embedding<float>>? generator = null)
{
    private const string Task = "Given a question, retrieve passages that answer it";

    // Computed together; more would only hold more passages in memory.
    private const int Batch = 32;

    public bool IsOn => generator is not null;

    /// <summary>The model's name; passages of another one have to be embedded again.</summary>
    public string ModelId => generator is null ? "none" : generator.GetService<EmbeddingGeneratorMetadata>()?.DefaultModelId ?? "unnamed";

    public async IAsyncEnumerable<NewPassage> EmbedAsync(IEnumerable<DocumentPart> parts, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var batch in parts.Chunk(Batch))
        {
            var vectors = generator is null ? null : await generator.GenerateAsync(batch.Select(part => part.Text), cancellationToken: cancellationToken);
            for (var i = 0; i < batch.Length; i++) yield return new NewPassage(batch[i], vectors?[i].Vector);
        }
    }

    /// <summary>These models expect to be told what a query is for, and of passages nothing.</summary>
    public Task<ReadOnlyMemory<float>> EmbedQueryAsync(string query, CancellationToken cancellationToken) =>
        generator!.GenerateVectorAsync(query, new EmbeddingGenerationOptions { AdditionalProperties = new() { ["instruction"] = Task } }, cancellationToken);
}
