using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>Why a generation ended.</summary>
public enum GenerationFinish
{
    /// <summary>Not ended.</summary>
    None,

    /// <summary>A stop token was chosen; it is not part of the tokens.</summary>
    Stop,

    /// <summary>The token budget or the context is used up.</summary>
    Length,
}

/// <summary>What one engine step adds to a generation. The last one has a <see cref="Finish"/>, and may have no tokens.</summary>
/// <param name="Tokens">New token ids, in order.</param>
/// <param name="Finish">Set on the last step only.</param>
/// <param name="Statistics">On the first step with tokens, as known then: a reader who leaves early knows the prompt's counts and times. On the last step, final.</param>
public readonly record struct GenerationStep(ReadOnlyMemory<int> Tokens, GenerationFinish Finish, GenerationStatistics? Statistics)
{
    /// <summary>One for each token, where the request asks for them; else empty.</summary>
    public ReadOnlyMemory<TokenLogProbability> LogProbabilities { get; init; }
}

/// <summary>Counts and times of a generation.</summary>
public sealed record GenerationStatistics
{
    /// <summary>Tokens of the prompt, cached ones included.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Prompt tokens that were not computed anew.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Generated tokens; a stop token counts.</summary>
    public int OutputTokens { get; init; }

    /// <summary>Steps that computed guesses of the following tokens together with the last token.</summary>
    public int DraftSteps { get; init; }

    /// <summary>Such guesses that were right: tokens of the answer that cost no step of their own.</summary>
    public int AcceptedDraftTokens { get; init; }

    /// <summary>Guesses that were wrong and have been dropped.</summary>
    public int RejectedDraftTokens { get; init; }

    /// <summary>From arrival to the first forward step.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>From the first forward step to the first token.</summary>
    public TimeSpan PrefillTime { get; init; }

    /// <summary>From the first token to the last.</summary>
    public TimeSpan DecodeTime { get; init; }
}
