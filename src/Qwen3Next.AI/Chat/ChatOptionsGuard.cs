using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>Refuses by name the options whose silent omission would give a wrong answer.</summary>
internal static class ChatOptionsGuard
{
    /// <exception cref="NotSupportedException">An option asks for what this client cannot do.</exception>
    /// <exception cref="ArgumentException">An option has a value that no request can have.</exception>
    public static void Check(ChatOptions options, string modelId)
    {
        CheckConversation(options, modelId);
        if (options.ResponseFormat is ChatResponseFormatJson json)
            throw Refuse(nameof(options.ResponseFormat), json.Schema is null ? "asks for JSON" : "asks for JSON of a schema",
                "Output is not constrained to a grammar: leave it null or Text, describe the JSON in a message and check the answer");
        if (options.ToolMode is RequiredChatToolMode required)
            throw Refuse(nameof(options.ToolMode), required.RequiredFunctionName is { } name ? $"requires a call of '{name}'" : "requires a call",
                "Calls cannot be forced: use Auto and tell the model in a message to call the tool");
        if (options.AdditionalProperties?.ContainsKey("thinking_budget") is true)
            throw Refuse($"{nameof(options.AdditionalProperties)}[\"thinking_budget\"]", "is set, but thinking cannot be cut short",
                "Limit the whole answer by MaxOutputTokens, or switch thinking off on a hybrid model by enable_thinking");
    }

    /// <summary>What holds wherever the model runs.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckConversation(ChatOptions options, string modelId)
    {
        if (options.ConversationId is { } conversation)
            throw Refuse(nameof(options.ConversationId), $"is '{conversation}', but this client keeps no conversations",
                "Leave it null and send the whole history; the engine recognises prefixes it has already read");
        if (options.ContinuationToken is not null)
            throw Refuse(nameof(options.ContinuationToken), "is set, but answers are not produced in the background", "Leave it null and send the request again");
        if (options.ModelId is { } asked && !string.Equals(asked, modelId, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException($"ChatOptions.ModelId is '{asked}', but this client runs '{modelId}' only. Leave it null, or use the client of that model.",
                nameof(options));
    }

    private static NotSupportedException Refuse(string member, string what, string remedy) => new($"ChatOptions.{member} {what}. {remedy}.");
}
