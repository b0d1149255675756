using Qwen3Next.AI.Engine;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>What a benchmark computes.</summary>
internal sealed record BenchLoad(int PromptTokens, int Tokens, int Batch, double? ForcedAcceptance = null)
{
    // Blocks of the cache are filled in part at the end of every conversation.
    private const int SpareTokens = 64;

    // Beginnings are not shared, but for two turns in a row; the default would keep two states for every conversation, many gigabytes of a large model.
    private const int CachedStates = 16;

    /// <summary>Makes room for all of these loads, one at a time: a conversation that had to wait for room would be measured as slow.</summary>
    public static void Fit(Qwen3NextOptions options, params IReadOnlyCollection<BenchLoad> loads)
    {
        options.MaxContextTokens ??= Math.Max(16, loads.Max(load => load.PromptTokens + load.Tokens));
        options.PrefixCacheBytes = 0;
        using var engine = new Qwen3NextEngine(options);
        var plan = engine.PlanMemory();
        options.PrefixCacheBytes = plan.States > 0 ? CachedStates * plan.States / plan.Sequences : null;
        if (plan.KvCache == 0) return;
        var bytesPerToken = plan.KvCache / plan.KvTokens;
        options.KvCacheBytes = Math.Max(plan.KvCache, bytesPerToken * loads.Max(load => (long)load.Batch * (load.PromptTokens + load.Tokens + SpareTokens)));
    }

    /// <summary>Greedy to the full number of tokens. Random tokens, the same for the same seed; no two conversations or runs share a beginning that could be cached.</summary>
    public GenerationRequest[] Requests(int vocabularySize, int seed)
    {
        var random = new Random(seed);
        var requests = new GenerationRequest[Batch];
        for (var i = 0; i < Batch; i++)
        {
            var prompt = new int[PromptTokens];
            for (var t = 0; t < PromptTokens; t++) prompt[t] = random.Next(vocabularySize);
            requests[i] = new GenerationRequest { Prompt = prompt, MaxTokens = Tokens, StopTokens = [], ForcedDraftAcceptance = ForcedAcceptance };
        }
        return requests;
    }
}
