using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>Refuses by name the options whose silent omission would give a wrong answer.</summary>
internal static class ChatOptionsGuard
{
    /// <exception cref="NotSupportedException">An option asks for what this client cannot do.</exception>
    /// <exception cref="ArgumentException">An option has a value that no request can have.</exception>
    public static void Check(ChatOptions options, string modelId)
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
