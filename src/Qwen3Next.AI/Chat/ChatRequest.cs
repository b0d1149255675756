using System.Text.Json;
using Qwen3Next.AI.Engine;

namespace Qwen3Next.AI.Chat;

/// <summary>A chat request in the engine's terms, and what is needed to read the answer.</summary>
internal sealed record ChatRequest
{
    public required GenerationRequest Generation { get; init; }

    public required Qwen3NextFormat Format { get; init; }

    /// <summary>Declarations shown to the model; where there are none, calls in the answer stay text.</summary>
    public required IReadOnlyList<JsonElement> Tools { get; init; }

    public required IReadOnlyList<string> StopSequences { get; init; }

    public required bool ShowReasoning { get; init; }

    public required bool OneToolCallAtMost { get; init; }

    /// <summary>The prompt of a thinking model ends inside an open block.</summary>
    public bool StartsInReasoning => Format == Qwen3NextFormat.Thinking;
}
