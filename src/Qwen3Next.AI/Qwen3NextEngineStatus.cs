namespace Qwen3Next.AI;

/// <summary>Where an engine is in its life.</summary>
public enum Qwen3NextEngineState
{
    /// <summary>Nothing is loaded; the first request, or <see cref="IQwen3NextEngine.LoadAsync"/>, begins it.</summary>
    NotLoaded,

    /// <summary>The weights are being read; requests wait for them.</summary>
    Loading,

    /// <summary>Answers.</summary>
    Ready,

    /// <summary>The load or the last step failed; <see cref="Qwen3NextEngineStatus.Failure"/> says why. The next request tries again.</summary>
    Failed,

    /// <summary>Finishes what it has and takes nothing new.</summary>
    Draining,

    /// <summary>Disposed.</summary>
    Disposed,
}

/// <summary>How an engine is at one moment. Reading it computes nothing and waits for nothing.</summary>
public sealed class Qwen3NextEngineStatus
{
    /// <summary>Where it is in its life.</summary>
    public required Qwen3NextEngineState State { get; init; }

    /// <summary>Conversations that have a place, at most <see cref="Qwen3NextOptions.MaxConcurrentRequests"/>.</summary>
    public int RunningRequests { get; init; }

    /// <summary>Conversations that wait for a place.</summary>
    public int WaitingRequests { get; init; }

    /// <summary>Most that may wait.</summary>
    public int MaxWaitingRequests { get; init; }

    /// <summary>Tokens that the attention cache holds in all; 0 before the model is loaded.</summary>
    public int KvCacheTokens { get; init; }

    /// <summary>Of these, tokens in pages that are in use.</summary>
    public int UsedKvCacheTokens { get; init; }

    /// <summary>Prefixes from which a prompt can go on without computing them, on the device and on the host.</summary>
    public int CachedPrefixes { get; init; }

    /// <summary>Prompts that went on from a cached prefix.</summary>
    public long PrefixCacheHits { get; init; }

    /// <summary>Prompts of which no prefix was cached.</summary>
    public long PrefixCacheMisses { get; init; }

    /// <summary>Prefixes that gave way to others, on the host too.</summary>
    public long PrefixCacheEvictions { get; init; }

    /// <summary>Steps computed since the model was loaded.</summary>
    public long Steps { get; init; }

    /// <summary>The host's own part of these steps, without waiting for the device; null where the host is the device.</summary>
    public TimeSpan? HostTime { get; init; }

    /// <summary>Why the load or the last step failed; null otherwise.</summary>
    public Exception? Failure { get; init; }
}
