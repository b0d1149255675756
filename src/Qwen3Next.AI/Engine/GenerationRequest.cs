using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>One completion of a token sequence.</summary>
public sealed record GenerationRequest
{
    /// <summary>Prompt token ids, at least one, all below the vocabulary size.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>How tokens are chosen. Default: greedy.</summary>
    public SamplingParameters Sampling { get; init; } = SamplingParameters.Greedy;

    /// <summary>Most tokens to generate, 1 or more; cut to what the context leaves.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Token ids that end the generation. Default: those of the checkpoint's generation config. Empty: none.</summary>
    public IReadOnlyList<int>? StopTokens { get; init; }

    /// <summary>Log probabilities are wanted: of each token, and of this many most likely ones in its place, 0 to 20. Default: null, none.</summary>
    public int? TopLogProbabilities { get; init; }
}
