namespace Qwen3Next.AI.Engine;

/// <summary>Bounds of an engine.</summary>
/// <param name="ContextTokens">Longest prompt plus answer.</param>
/// <param name="BatchTokens">Rows of a step.</param>
/// <param name="Sequences">Conversations computed together.</param>
/// <param name="LogitRows">Logit rows of a step, more than <paramref name="Sequences"/>.</param>
/// <param name="DraftTokens">Drafts of a step for each conversation; null chooses by what they are worth. Without effect where the model has no MTP module.</param>
/// <param name="Checkpoints">Prefixes that the prefix cache keeps on the device; the cache has as many state slots besides <paramref name="Sequences"/>. 0: none.</param>
/// <param name="PrefixInterval">Tokens between checkpoints of a long prompt.</param>
/// <param name="HostCacheBytes">Of host memory, for prefixes that give way on the device.</param>
/// <param name="QueueLength">Conversations that may wait.</param>
/// <param name="TokenIds">Ids that may be chosen; rows of the table above have no token.</param>
/// <param name="StopTokens">Where a request names none.</param>
/// <param name="RunsAhead">A step may be launched before the tokens of the one before are known. Pays where the backend returns before it has computed.</param>
internal sealed record EngineLimits(
    int ContextTokens, int BatchTokens, int Sequences, int LogitRows, int? DraftTokens, int Checkpoints, int PrefixInterval, long HostCacheBytes, int QueueLength, int TokenIds,
    IReadOnlyList<int> StopTokens, bool RunsAhead);
