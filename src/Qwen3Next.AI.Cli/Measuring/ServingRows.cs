namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>Conversations at once, without drafts.</summary>
/// <param name="Conversations">Their number.</param>
/// <param name="TokensPerSecond">Of all together; null where their answers did not overlap.</param>
/// <param name="HostPart">The host's own time for a step; null where the host is the device.</param>
internal sealed record StreamRow(int Conversations, Spread? TokensPerSecond, TimeSpan? HostPart);

/// <summary>Two turns of a conversation, each until its first token, in milliseconds.</summary>
/// <param name="Tokens">Prompt of the first.</param>
/// <param name="First">Computes all of its prompt.</param>
/// <param name="Second">Goes on from the first.</param>
/// <param name="SecondTokens">Prompt of the second.</param>
/// <param name="CachedTokens">Of these, those that were not computed again, in the worst run.</param>
internal sealed record TurnRow(int Tokens, Spread First, Spread Second, int SecondTokens, int CachedTokens);

/// <summary>Drafts of a certain number and quality.</summary>
/// <param name="Conversations">At the same time.</param>
/// <param name="Drafts">For each in a step; null as many as pay.</param>
/// <param name="ForcedAcceptance">Share of drafts that is taken for right; null verifies them.</param>
/// <param name="TokensPerSecond">Of all together; null where their answers did not overlap.</param>
/// <param name="Guessed">Drafts of the measured runs.</param>
/// <param name="Right">Of these, those that held.</param>
internal sealed record DraftRow(int Conversations, int? Drafts, double? ForcedAcceptance, Spread? TokensPerSecond, int Guessed, int Right);

/// <summary>Free bytes of the GPU, and what the plan says of them.</summary>
/// <param name="BeforeLoad">Free before.</param>
/// <param name="Loaded">Free once the model is loaded.</param>
/// <param name="Measured">Free after all measurements: what they have taken besides.</param>
/// <param name="Disposed">Free after the engine is gone.</param>
/// <param name="Planned">What the plan wanted before anything was loaded.</param>
/// <param name="Workspace">What the load added to the plan, measured: working memory and kernels.</param>
internal sealed record MemoryUse(long BeforeLoad, long Loaded, long Measured, long Disposed, long Planned, long Workspace)
{
    public long Taken => BeforeLoad - Loaded;

    /// <summary>By which share of the plan more was taken than planned.</summary>
    public double AbovePlan => (Taken - Planned) / (double)Planned;

    /// <summary>The same for the plan with the measured workspace.</summary>
    public double AboveWhole => (Taken - Planned - Workspace) / (double)(Planned + Workspace);
}

/// <summary>All that a run of the serving suite measured.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Device">Where it ran.</param>
/// <param name="Runs">Of each line.</param>
/// <param name="Memory">Null on the CPU.</param>
/// <param name="State">Bytes of a conversation's state, and the time of a copy.</param>
/// <param name="Streams">Many conversations.</param>
/// <param name="Turns">Second turns.</param>
/// <param name="Drafts">None where the model cannot guess.</param>
internal sealed record ServingResult(
    string Model, string Device, int Runs, MemoryUse? Memory, (long Bytes, TimeSpan Time) State, IReadOnlyList<StreamRow> Streams, IReadOnlyList<TurnRow> Turns, IReadOnlyList<DraftRow> Drafts);
