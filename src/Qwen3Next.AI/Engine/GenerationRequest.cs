using Qwen3Next.AI.Grammar;
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

    /// <summary>Which requests come first when there is no place for all: the larger number, and among equal ones the one that came first. Default: 0.</summary>
    /// <remarks>It also decides who gives way when the attention cache is full. A conversation that has a place keeps it otherwise.</remarks>
    public int Priority { get; init; }

    /// <summary>Longest time from arrival to the end of the answer, above 0; then the generation fails with <see cref="DeadlineExceededException"/>. Default: none.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>
    /// Numbers of leading prompt tokens that later prompts are likely to begin with too, each 1 to the prompt's length less 1, ascending: ends of
    /// messages or documents. The engine can go on from there without computing them again. Default: null, all tokens but the last.
    /// </summary>
    public IReadOnlyList<int>? SharedPrefixes { get; init; }

    /// <summary>
    /// For measurements only: the share of drafts, 0 to 1, that is taken into the answer whatever the model says of them. The answer is then
    /// meaningless; its speed is that of a model whose drafts are right as often. Default: null, drafts are verified.
    /// </summary>
    public double? ForcedDraftAcceptance { get; init; }

    /// <summary>What the tokens must spell; null leaves them free. The generation ends by itself where nothing more can follow.</summary>
    internal GrammarAutomaton? Grammar { get; init; }

    /// <summary>Tokens after which the grammar closes the thinking; null lets it go on.</summary>
    internal int? ThinkingBudget { get; init; }
}
