using LongDocumentRag.Answering;
using LongDocumentRag.Documents;
using LongDocumentRag.Evaluation;
using LongDocumentRag.Retrieval;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.TinyModel;
using Xunit;

namespace LongDocumentRag.Tests.Answering;

/// <summary>The bundled model behind a kernel, loaded once for all tests that compute with it. They run one after the other.</summary>
[CollectionDefinition(nameof(TinyModel))]
public sealed class TinyModel : IDisposable, ICollectionFixture<TinyModel>
{
    private readonly ServiceProvider _services;

    public TinyModel()
    {
        var services = new ServiceCollection();
        services.AddKernel();
        // One thread: so small a model gains little by more, and on a busy machine threads that wait for each other lose much.
        services.AddQwen3Next(options => (options.ModelPath, options.MaxContextTokens, options.Threads, options.Defaults.Temperature) = (TinyCheckpoint.Path, 2048, 1, 0));
        services.AddQwen3NextChatCompletion();
        _services = services.BuildServiceProvider();
    }

    internal RagOptions Options { get; } = new();

    internal DocumentReaders Readers { get; } = new(1);

    private Kernel Kernel => _services.GetRequiredService<Kernel>();

    private IChatCompletionService Chat => _services.GetRequiredService<IChatCompletionService>();

    internal QuestionAnswerer Answerer(Retriever retriever) => new(Kernel, Chat, retriever, Options);

    internal EvaluationRun Evaluation() => new(Kernel, Chat, new Embedder(), Readers, Options);

    public void Dispose() => _services.Dispose();
}
