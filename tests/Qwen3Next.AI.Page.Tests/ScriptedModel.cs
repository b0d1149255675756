using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>The bundled model's client with answers of a test's making.</summary>
/// <param name="model">The bundled model's client.</param>
/// <param name="pieces">Pieces of every answer.</param>
/// <param name="end">What comes after them, before the answer ends.</param>
internal sealed class ScriptedModel(IChatClient model, IEnumerable<string> pieces, Func<CancellationToken, Task>? end) : DelegatingChatClient(model)
{
    private static readonly AdditionalPropertiesDictionary<long> s_drafts = new()
    {
        ["OutputTokenDetails.AcceptedPredictionTokenCount"] = 6,
        ["OutputTokenDetails.RejectedPredictionTokenCount"] = 2,
    };

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var piece in pieces)
        {
            await Task.Yield();
            yield return Update(new TextContent(piece));
        }
        if (end is not null) await end(cancellationToken);
        yield return Update(new UsageContent(new UsageDetails { InputTokenCount = 100, CachedInputTokenCount = 40, OutputTokenCount = 11, AdditionalCounts = s_drafts }));
    }

    private static ChatResponseUpdate Update(AIContent content) =>
        new(ChatRole.Assistant, [content]) { ResponseId = "scripted", ModelId = "scripted", CreatedAt = DateTimeOffset.UnixEpoch };
}
