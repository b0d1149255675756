using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LongDocumentRag.Tests.Answering;

/// <summary>Says what it is told to. A reply "search: words" calls the plugin first, as a model would, and goes on with the next reply.</summary>
internal sealed class ScriptedChat(params string[] replies) : IChatCompletionService
{
    private const string Search = "search: ";
    private readonly Queue<string> _replies = new(replies);

    public List<ChatHistory> Asked { get; } = [];

    public IReadOnlyDictionary<string, object?> Attributes { get; } = new Dictionary<string, object?>();

    public async Task<IReadOnlyList<ChatMessageContent>> GetChatMessageContentsAsync(
        ChatHistory chatHistory, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default)
    {
        Asked.Add(chatHistory);
        while (_replies.Peek().StartsWith(Search, StringComparison.Ordinal))
            await kernel!.Plugins["documents"]["search"].InvokeAsync(kernel, new KernelArguments { ["query"] = _replies.Dequeue()[Search.Length..] }, cancellationToken);
        return [new ChatMessageContent(AuthorRole.Assistant, _replies.Dequeue())];
    }

    public IAsyncEnumerable<StreamingChatMessageContent> GetStreamingChatMessageContentsAsync(
        ChatHistory chatHistory, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("Answers are checked as a whole.");
}
