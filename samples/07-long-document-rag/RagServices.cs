using LongDocumentRag.Answering;
using LongDocumentRag.Commands;
using LongDocumentRag.Documents;
using LongDocumentRag.Evaluation;
using LongDocumentRag.Ingestion;
using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.SemanticKernel;
using Npgsql;
using Qwen3Next.AI;
using Qwen3Next.AI.TinyModel;

namespace LongDocumentRag;

/// <summary>Puts the sample together from its settings.</summary>
internal static class RagServices
{
    public static IHost Build()
    {
        // Settings lie beside the program, wherever it is started.
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        var services = builder.Services;
        services.AddKernel();
        builder.AddQwen3Next(UseBundledModel);
        services.AddQwen3NextChatCompletion();
        // Embeddings are for those who have a model for them.
        if (builder.Configuration.GetSection("Qwen3Next:embedding").Exists()) builder.Services.AddQwen3NextEmbeddingGenerator();

        services.AddOptions<RagOptions>().BindConfiguration("Rag").ValidateDataAnnotations().Validate(
            options => options.Store != StoreKind.Postgres || NamesAServer(options.PostgresConnection),
            "Rag:Store is Postgres, so Rag:PostgresConnection must be Npgsql's connection string, as in \"Host=localhost;Username=me;Database=documents\".");
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<RagOptions>>().Value);
        services.AddSingleton(provider => new DocumentReaders(provider.GetRequiredService<RagOptions>().MaxFileMegabytes));
        services.AddSingleton(provider => OpenStore(provider.GetRequiredService<RagOptions>(), provider.GetRequiredService<Embedder>()));
        services.AddSingleton<Embedder>().AddSingleton<Retriever>().AddSingleton<Ingestor>();
        services.AddTransient<QuestionAnswerer>().AddTransient<EvaluationRun>();
        services.AddTransient<IngestCommand>().AddTransient<AskCommand>().AddTransient<ReadCommand>().AddTransient<EvaluateCommand>();
        return builder.Build();
    }

    private static void UseBundledModel(Qwen3NextOptions options)
    {
        if (options is { ModelPath: "" or null, Endpoint: null }) options.ModelPath = TinyCheckpoint.Path;
    }

    private static bool NamesAServer(string? connection)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connection) is { Host.Length: > 0 };
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static IPassageStore OpenStore(RagOptions options, Embedder embedder) => options.Store switch
    {
        StoreKind.Postgres => new PostgresPassageStore(options.PostgresConnection!, embedder.IsOn),
        _ => new SqlitePassageStore(options.SqlitePath),
    };
}
