using System.Text.Json.Serialization;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>How a text goes on, or a piece of that.</summary>
internal sealed record TextCompletion(string Id, long Created, string Model, IReadOnlyList<TextChoice> Choices)
{
    public string Object { get; } = "text_completion";

    public Usage? Usage { get; init; }

    /// <summary>Beyond OpenAI's form.</summary>
    public Timings? Timings { get; init; }
}

internal sealed record TextChoice(string Text)
{
    public int Index { get; }

    public TextLogProbabilities? Logprobs { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; init; }
}

/// <summary>Parallel arrays, one entry for each token.</summary>
internal sealed record TextLogProbabilities(
    IReadOnlyList<string> Tokens, IReadOnlyList<double?> TokenLogprobs, IReadOnlyList<IReadOnlyDictionary<string, double?>> TopLogprobs, IReadOnlyList<int> TextOffset);
