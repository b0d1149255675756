using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>What a part of a model's output is.</summary>
internal enum OutputKind
{
    /// <summary>The answer.</summary>
    Text,

    /// <summary>Thinking before the answer.</summary>
    Reasoning,

    /// <summary>A complete, readable tool call.</summary>
    ToolCall,

    /// <summary>Something between call tags that is no call; never to be executed.</summary>
    InvalidToolCall,
}

/// <summary>One part of a model's output, in order.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">New text; of a call, its raw text with the tags.</param>
/// <param name="Call">The call, for <see cref="OutputKind.ToolCall"/> only.</param>
internal readonly record struct OutputEvent(OutputKind Kind, string Text, ParsedToolCall? Call = null);

/// <summary>A tool call that a model wrote.</summary>
/// <param name="Name">The function's name, as written; it need not exist.</param>
/// <param name="Arguments">An object, or a string where the model wrote one that holds no object.</param>
internal sealed record ParsedToolCall(string Name, JsonElement Arguments);
