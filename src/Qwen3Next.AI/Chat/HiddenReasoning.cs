using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>
/// Thinking that a caller asked not to see travels through the history without text. The mark tells it from the opaque data of other providers.
/// </summary>
internal static class HiddenReasoning
{
    private const string Mark = "qwen3next:";

    public static TextReasoningContent Hide(string reasoning) => new(null) { ProtectedData = Mark + reasoning };

    public static string Reveal(TextReasoningContent content) =>
        content.Text.Length == 0 && content.ProtectedData is { } data && data.StartsWith(Mark, StringComparison.Ordinal) ? data[Mark.Length..] : content.Text;
}
