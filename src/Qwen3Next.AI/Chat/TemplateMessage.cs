using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>One message as the chat templates see it.</summary>
internal sealed record TemplateMessage
{
    /// <summary>system, user, assistant or tool.</summary>
    public required string Role { get; init; }

    /// <summary>Text; null counts as empty, except in the hybrid template, which refuses it.</summary>
    public string? Content { get; init; } = "";

    /// <summary>What an assistant message thought before its content; null where unknown.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The calls of an assistant message.</summary>
    public IReadOnlyList<TemplateToolCall> ToolCalls { get; init; } = [];
}

/// <summary>A tool call in an assistant message.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Arguments">Its arguments, an object; a string is taken as JSON text where the template allows that.</param>
internal sealed record TemplateToolCall(string Name, JsonElement Arguments);
