using System.Text.Json;
using System.Text.Json.Serialization;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>A chat's answer, or a piece of one.</summary>
internal sealed record ChatCompletion(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices)
{
    public Usage? Usage { get; init; }

    /// <summary>Beyond OpenAI's form.</summary>
    public Timings? Timings { get; init; }
}

/// <summary>The one answer: whole as message, or a piece as delta.</summary>
internal sealed record ChatChoice
{
    public int Index { get; }

    public ChatAnswer? Message { get; init; }

    public ChatAnswer? Delta { get; init; }

    public ChatLogProbabilities? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

/// <summary>What the model said.</summary>
internal sealed record ChatAnswer
{
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Content { get; init; }

    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }
}

/// <summary>A call, always whole.</summary>
/// <param name="Index">Its place among the answer's calls.</param>
internal sealed record ToolCall(int Index, string Id, CalledFunction Function)
{
    public string Type { get; } = "function";
}

/// <param name="Arguments">A JSON object as text.</param>
internal sealed record CalledFunction(string Name, string Arguments);

/// <param name="Content">One entry for each token.</param>
internal sealed record ChatLogProbabilities(JsonElement Content);
