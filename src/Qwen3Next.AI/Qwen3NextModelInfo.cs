namespace Qwen3Next.AI;

/// <summary>What is known of a model before its weights are loaded.</summary>
public sealed record Qwen3NextModelInfo
{
    /// <summary>Name used in responses and telemetry.</summary>
    public required string ModelId { get; init; }

    /// <summary>Prompt format; never <see cref="Qwen3NextFormat.Auto"/>.</summary>
    public required Qwen3NextFormat Format { get; init; }

    /// <summary>model_type of config.json: qwen3_next, qwen3 or qwen3_moe.</summary>
    public required string Architecture { get; init; }

    /// <summary>Longest prompt plus answer, in tokens, as configured.</summary>
    public required int MaxContextTokens { get; init; }

    /// <summary>Answer budget of a request that sets none.</summary>
    public required int MaxOutputTokens { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Token ids that end an answer.</summary>
    public required IReadOnlyList<int> StopTokens { get; init; }

    /// <summary>Sampling values used where a request is silent: options over generation_config.json.</summary>
    public required Qwen3NextGenerationOptions Defaults { get; init; }
}
