using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>A model whose answers end when their tokens are used up. The default is a small random one, quick and without sense.</summary>
internal sealed class EndlessModel : IAsyncDisposable
{
    public EndlessModel(int places = 8, int queue = 256, int? context = null, string? folder = null, string name = "endless")
    {
        Engine = new Qwen3NextEngine(new Qwen3NextOptions
        {
            ModelPath = folder ?? TestModel.Folder,
            ModelId = name,
            MaxConcurrentRequests = places,
            MaxQueueLength = queue,
            MaxContextTokens = context,
        });
        Chat = new Qwen3NextChatClient(Engine);
    }

    public Qwen3NextEngine Engine { get; }

    public Qwen3NextChatClient Chat { get; }

    public ServedModel Served => new(Chat);

    /// <summary>The same, where what comes back is changed on its way.</summary>
    public ServedModel ServedThrough(Func<IAsyncEnumerable<ChatResponseUpdate>, CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> change) =>
        new(Chat.AsBuilder().Use(
            (messages, options, inner, cancel) => change(inner.GetStreamingResponseAsync(messages, options, cancel), cancel).ToChatResponseAsync(cancel),
            (messages, options, inner, cancel) => change(inner.GetStreamingResponseAsync(messages, options, cancel), cancel)).Build());

    /// <summary>A chat of one word that goes on until so many tokens, or the context, are used up.</summary>
    public string Request(int tokens, bool stream = false, string word = "hello") =>
        $$"""{"messages":[{"role":"user","content":"{{word}}"}],"max_tokens":{{tokens}},"temperature":0,"stream":{{(stream ? "true" : "false")}},"logit_bias":{{Biases()}}}""";

    public async ValueTask DisposeAsync() => await Engine.DisposeAsync();

    // No token that ends an answer.
    private string Biases() => $$"""{{{string.Join(',', Engine.ModelInfo.StopTokens.Select(token => $"\"{token}\":-100"))}}}""";
}
