using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server;
using Qwen3Next.AI.Cli.Tests.Server;
using Qwen3Next.AI.TinyModel;
using Xunit;

[assembly: AssemblyFixture(typeof(TinyServer))]

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>One server over the bundled model for all test classes, loaded when the first test asks.</summary>
public sealed class TinyServer : IAsyncDisposable
{
    public const string Model = "tiny", EmbeddingModel = "tiny-embedding";

    private readonly Lazy<Task<RunningServer>> _server;
    private readonly Qwen3NextEngine _engine = new(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, ModelId = Model, MaxContextTokens = 2048, DraftTokens = 2 });

    // Any checkpoint embeds; what the numbers mean is tested elsewhere.
    private readonly Qwen3NextEngine _embedding = new(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, ModelId = EmbeddingModel, MaxContextTokens = 256 });

    public TinyServer() => _server = new Lazy<Task<RunningServer>>(() =>
        RunningServer.StartAsync(new ServedModel(InProcess, new Qwen3NextEmbeddingGenerator(_embedding))));

    /// <summary>The model that the server has, without the server.</summary>
    public IChatClient InProcess => new Qwen3NextChatClient(_engine);

    internal Task<RunningServer> StartedAsync()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(TinyCheckpoint.Path, "config.json")), "the bundled model is not in the build output");
        return _server.Value;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated) await (await _server.Value).DisposeAsync();
        await _engine.DisposeAsync();
        await _embedding.DisposeAsync();
    }
}
