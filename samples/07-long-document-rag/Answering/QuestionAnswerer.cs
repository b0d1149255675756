using LongDocumentRag.Retrieval;
using LongDocumentRag.Store;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.SemanticKernel;

namespace LongDocumentRag.Answering;

/// <summary>
/// Answers in two steps. The model searches by itself, through the plugin, and may answer from what it found; an answer whose citations hold is taken. Else it
/// reads the same passages again, as a plain text before the question, which is easier than a search's result for a small model.
/// </summary>
internal sealed class QuestionAnswerer(Kernel kernel, IChatCompletionService chat, Retriever retriever, RagOptions options)
{
    /// <summary>Answers a question, with the turns of the conversation before it.</summary>
    /// <param name="question">In words.</param>
    /// <param name="conversation">Earlier questions and answers; not changed.</param>
    /// <param name="searched">Is told the model's queries.</param>
    /// <param name="cancellationToken">Ends the computation early.</param>
    public async Task<Answer> AskAsync(string question, IEnumerable<ChatMessageContent> conversation, Action<string>? searched, CancellationToken cancellationToken)
    {
        var plugin = new DocumentPlugin(retriever, question, options.Passages);
        var answer = await SearchAsync(plugin, question, conversation, cancellationToken);
        // A small model does not always manage a call, though it must; then its question is the query.
        if (options.RequireSearch && plugin.Queries.Count == 0) await plugin.SearchAsync(question, cancellationToken);
        plugin.Queries.ForEach(query => searched?.Invoke(query));
        if (answer is { Support: not Support.None }) return answer;
        if (plugin.Found.Count > 0) return await ReadAsync(plugin.Found, question, conversation, cancellationToken);
        return answer ?? CitationChecker.Check("", []);
    }

    /// <summary>Answers from given passages.</summary>
    public async Task<Answer> ReadAsync(
        IReadOnlyList<Passage> passages, string question, IEnumerable<ChatMessageContent> conversation, CancellationToken cancellationToken)
    {
        var history = History(ReadingPrompt.ForReading(passages), conversation, question);
        var reply = await chat.GetChatMessageContentAsync(history, Settings(), cancellationToken: cancellationToken);
        return Checked(reply, passages);
    }

    /// <summary>Null where the model was stopped before it could answer.</summary>
    private async Task<Answer?> SearchAsync(DocumentPlugin plugin, string question, IEnumerable<ChatMessageContent> conversation, CancellationToken cancellationToken)
    {
        var tools = kernel.Clone();
        tools.Plugins.AddFromObject(plugin, "documents");
        tools.AutoFunctionInvocationFilters.Add(new SearchLimit(options.MostSearches));
        var settings = Settings();
        settings.FunctionChoiceBehavior = options.RequireSearch ? FunctionChoiceBehavior.Required() : FunctionChoiceBehavior.Auto();
        var reply = await chat.GetChatMessageContentAsync(History(ReadingPrompt.Search, conversation, question), settings, tools, cancellationToken);
        return reply.Role == AuthorRole.Assistant && !string.IsNullOrWhiteSpace(reply.Content) ? Checked(reply, plugin.Found) : null;
    }

    private Qwen3NextPromptExecutionSettings Settings() => new() { MaxTokens = options.MaxAnswerTokens };

    private static ChatHistory History(string instructions, IEnumerable<ChatMessageContent> conversation, string question)
    {
        var history = new ChatHistory(instructions);
        history.AddRange(conversation);
        history.AddUserMessage(question);
        return history;
    }

    private static Answer Checked(ChatMessageContent reply, IReadOnlyList<Passage> passages)
    {
        var usage = reply.Metadata?.GetValueOrDefault("Usage") as UsageDetails;
        return CitationChecker.Check(reply.Content ?? "", [.. passages]) with { Prompt = new PromptTokens(usage?.InputTokenCount ?? 0, usage?.CachedInputTokenCount ?? 0) };
    }
}
