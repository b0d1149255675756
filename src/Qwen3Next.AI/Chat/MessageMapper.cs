using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Chat;

/// <summary>Turns chat messages into the turns that templates know. Order is kept; author names are not shown to the model.</summary>
internal sealed class MessageMapper(UnsupportedContentBehavior unsupported, ILogger logger)
{
    private readonly List<TemplateMessage> _turns = [];

    public IReadOnlyList<TemplateMessage> Map(IReadOnlyList<ChatMessage> messages, string? instructions)
    {
        if (!string.IsNullOrEmpty(instructions)) Add(new TemplateMessage { Role = "system", Content = instructions });
        foreach (var message in messages)
            Map(message ?? throw new ArgumentException("The messages hold a null.", nameof(messages)));
        // Templates begin with a turn; an empty one lets the model speak first.
        if (_turns.Count == 0) Add(new TemplateMessage { Role = "user", Content = "" });
        return _turns;
    }

    private void Map(ChatMessage message)
    {
        var role = RoleOf(message.Role);
        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new List<TemplateToolCall>();
        var hasResults = false;
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent part: text.Append(part.Text); break;
                case TextReasoningContent part: reasoning.Append(HiddenReasoning.Reveal(part)); break;
                case FunctionCallContent call: calls.Add(new TemplateToolCall(call.Name, ToolValues.Arguments(call))); break;
                case FunctionResultContent result:
                    hasResults = true;
                    Add(new TemplateMessage { Role = "tool", Content = ToolValues.Result(result) });
                    break;
                case DataContent data when data.HasTopLevelMediaType("text"): text.Append(Encoding.UTF8.GetString(data.Data.Span)); break;
                case DataContent data: LeaveOut(data, data.MediaType); break;
                case UriContent uri: LeaveOut(uri, uri.MediaType); break;
                case HostedFileContent file: LeaveOut(file, file.MediaType ?? "unknown"); break;
                case HostedVectorStoreContent store: LeaveOut(store, "vector store"); break;
                default: break; // usage, errors and what services run are not part of a prompt
            }
        }
        // Text beside results repeats them (Semantic Kernel writes both).
        if (hasResults && (role == "tool" || text.Length + calls.Count == 0)) return;
        var turn = new TemplateMessage { Role = role, Content = text.ToString() };
        Add(role == "assistant" ? turn with { Reasoning = reasoning.Length > 0 ? reasoning.ToString() : null, ToolCalls = calls } : turn);
    }

    /// <summary>Templates know one system block, and one assistant turn with all its calls; callers split both.</summary>
    private void Add(TemplateMessage turn)
    {
        var last = _turns.Count > 0 ? _turns[^1] : null;
        if (last is not null && last.Role == turn.Role && turn.Role == "system")
            _turns[^1] = last with { Content = $"{last.Content}\n\n{turn.Content}" };
        else if (last is not null && last.Role == turn.Role && turn.ToolCalls.Count > 0)
            _turns[^1] = last with
            {
                Content = last.Content + turn.Content,
                Reasoning = last.Reasoning is null ? turn.Reasoning : last.Reasoning + turn.Reasoning,
                ToolCalls = [.. last.ToolCalls, .. turn.ToolCalls],
            };
        else
            _turns.Add(turn);
    }

    private static string RoleOf(ChatRole role) => role.Value.ToUpperInvariant() switch
    {
        "SYSTEM" or "DEVELOPER" => "system",
        "USER" => "user",
        "ASSISTANT" => "assistant",
        "TOOL" => "tool",
        _ => throw new ArgumentException($"ChatMessage.Role '{role.Value}' is unknown. Use system, developer, user, assistant or tool.", nameof(role)),
    };

    private void LeaveOut(AIContent content, string mediaType)
    {
        if (unsupported == UnsupportedContentBehavior.Throw)
            throw new NotSupportedException($"The model reads text only, but a message holds {content.GetType().Name} of media type '{mediaType}'. " +
                $"Remove it, or set {nameof(Qwen3NextOptions)}.{nameof(Qwen3NextOptions.UnsupportedContent)} to {UnsupportedContentBehavior.Ignore}.");
        ChatLog.ContentLeftOut(logger, content.GetType().Name, mediaType);
    }
}
