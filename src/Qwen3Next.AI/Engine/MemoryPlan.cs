using System.Globalization;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>What a loaded model takes, in bytes, decided before anything is allocated.</summary>
public sealed record MemoryPlan
{
    private const int MostCheckpoints = 4096;

    /// <summary>Weights; on the CPU mostly pages of the mapped checkpoint.</summary>
    public required long Weights { get; init; }

    /// <summary>Keys and values of attention layers.</summary>
    public required long KvCache { get; init; }

    /// <summary>Recurrent and convolution states of DeltaNet layers.</summary>
    public required long States { get; init; }

    /// <summary>States of cached prefixes, of the same size as a conversation's.</summary>
    public required long PrefixStates { get; init; }

    /// <summary>Activations and logits of the largest step.</summary>
    public required long Activations { get; init; }

    /// <summary>What operations work in, and compiled kernels; measured at load on a GPU, 0 before and on the CPU.</summary>
    public long Workspace { get; init; }

    /// <summary>Tokens that fit into the KV cache, over all conversations.</summary>
    public required int KvTokens { get; init; }

    /// <summary>Conversations computed together.</summary>
    public required int Sequences { get; init; }

    /// <summary>Tokens of one step.</summary>
    public required int BatchTokens { get; init; }

    /// <summary>Everything together.</summary>
    public long Total => Weights + KvCache + States + PrefixStates + Activations + Workspace;

    /// <summary>One line, for logs.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"weights {Mib(Weights)}, KV cache {Mib(KvCache)} ({KvTokens} tokens), states {Mib(States)} ({Sequences} conversations), prefixes {Mib(PrefixStates)} ({Checkpoints}), activations {Mib(Activations)}{(Workspace > 0 ? $", workspace {Mib(Workspace)}" : "")}; in all {Mib(Total)}");

    /// <summary>One for each conversation and, where there are drafts, as many again; a few more for long drafts of few conversations.</summary>
    internal int LogitRows => LogitRowsFor(Sequences, MaxDrafts);

    internal int MaxDrafts { get; private init; }

    /// <summary>Prefixes that the prefix cache keeps on the device.</summary>
    internal int Checkpoints { get; private init; }

    internal int Blocks => KvTokens / HybridCache.BlockSize;

    /// <param name="config">The model.</param>
    /// <param name="weightBytes">Its weights.</param>
    /// <param name="withMtp">The checkpoint has the MTP layer.</param>
    /// <param name="backend">Where it is to fit.</param>
    /// <param name="options">Limits that the user set.</param>
    /// <param name="maxContext">Longest conversation, in tokens.</param>
    /// <exception cref="Qwen3NextException">One conversation does not fit into the KV cache, or the plan not into memory.</exception>
    internal static MemoryPlan Create(Qwen3NextConfig config, long weightBytes, bool withMtp, IBackend backend, Qwen3NextOptions options, int maxContext)
    {
        var drafts = withMtp ? options.DraftTokens ?? SpeculativeDecoder.MaxDrafts : 0;
        var layout = config.CacheLayout(withMtp, backend.KvType, drafts);
        var perBlock = layout.BytesPerBlock;
        var perContext = (maxContext + HybridCache.BlockSize - 1L) / HybridCache.BlockSize;
        var blocks = options.KvCacheBytes is { } bytes && perBlock > 0 ? bytes / perBlock : perContext * Math.Min(2, options.MaxConcurrentRequests);
        // Tokens are counted in 32 bits.
        blocks = Math.Min(blocks, int.MaxValue / HybridCache.BlockSize);
        if (blocks < perContext)
        {
            throw new Qwen3NextException(
                $"KvCacheBytes is {options.KvCacheBytes}, which holds {blocks * HybridCache.BlockSize} tokens; one conversation of MaxContextTokens {maxContext} needs {perContext * perBlock} bytes. Raise KvCacheBytes or lower MaxContextTokens.");
        }
        var checkpoints = CheckpointsFor(options, layout.BytesPerSlot);
        var plan = new MemoryPlan
        {
            Weights = weightBytes,
            KvCache = blocks * perBlock,
            States = options.MaxConcurrentRequests * layout.BytesPerSlot,
            PrefixStates = checkpoints * layout.BytesPerSlot,
            Activations = ActivationBuffers.BytesFor(config, options.BatchTokens, LogitRowsFor(options.MaxConcurrentRequests, drafts), withMtp),
            KvTokens = checked((int)(blocks * HybridCache.BlockSize)),
            Sequences = options.MaxConcurrentRequests,
            BatchTokens = options.BatchTokens,
            MaxDrafts = drafts,
            Checkpoints = checkpoints,
        };
        // Shared weights are pages of a file, which the system takes back when it must.
        var (needed, what) = backend.SharesHostMemory ? (plan.Total - plan.Weights, "besides its weights (") : (plan.Total, $"(weights {Mib(plan.Weights)}, ");
        if (needed > backend.FreeBytes)
        {
            throw new Qwen3NextException(
                $"The model needs {Mib(needed)} {what}KV cache {Mib(plan.KvCache)}, states {Mib(plan.States)}, cached prefixes {Mib(plan.PrefixStates)}, activations {Mib(plan.Activations)}), and {Mib(backend.FreeBytes)} are there. Lower MaxContextTokens, KvCacheBytes, PrefixCacheBytes, MaxConcurrentRequests or MaxBatchTokens.");
        }
        return plan;
    }

    // Without states a checkpoint takes KV blocks alone, which give way when they are needed.
    private static int CheckpointsFor(Qwen3NextOptions options, long bytesPerSlot) => options.PrefixCacheBytes switch
    {
        0 => 0,
        { } bytes when bytesPerSlot > 0 => (int)Math.Min(bytes / bytesPerSlot, MostCheckpoints),
        null when bytesPerSlot > 0 => Math.Max(16, 2 * options.MaxConcurrentRequests),
        _ => MostCheckpoints,
    };

    private static int LogitRowsFor(int sequences, int drafts) => sequences * (drafts > 0 ? 2 : 1) + 16;

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
