using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>The bundled model's client with answers of the tests' making.</summary>
internal sealed class ScriptedModel(IChatClient model) : DelegatingChatClient(model)
{
    private static readonly AdditionalPropertiesDictionary<long> s_drafts = new()
    {
        ["OutputTokenDetails.AcceptedPredictionTokenCount"] = 6,
        ["OutputTokenDetails.RejectedPredictionTokenCount"] = 2,
    };

    /// <summary>Pieces of every answer.</summary>
    public IEnumerable<string> Pieces { get; set; } = [];

    /// <summary>What comes after them, before the answer ends.</summary>
    public Func<CancellationToken, Task>? End { get; set; }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var piece in Pieces)
        {
            await Task.Yield();
            yield return Update(new TextContent(piece));
        }
        if (End is not null) await End(cancellationToken);
        yield return Update(new UsageContent(new UsageDetails { InputTokenCount = 100, CachedInputTokenCount = 40, OutputTokenCount = 11, AdditionalCounts = s_drafts }));
    }

    private static ChatResponseUpdate Update(AIContent content) =>
        new(ChatRole.Assistant, [content]) { ResponseId = "scripted", ModelId = "scripted", CreatedAt = DateTimeOffset.UnixEpoch };
}
