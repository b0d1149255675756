using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>Times the ops of one forward step over conversations whose history is left empty: its length costs the same, whatever it holds.</summary>
internal static class StepProfiler
{
    /// <param name="model">Computes.</param>
    /// <param name="cache">Lends blocks and slots for the time of the call.</param>
    /// <param name="sequences">Conversations.</param>
    /// <param name="rows">New tokens of each.</param>
    /// <param name="context">Cached tokens of each.</param>
    /// <exception cref="Qwen3NextException">The cache has too little room at this moment.</exception>
    public static IReadOnlyList<Qwen3NextOpTime> Measure(Qwen3NextModel model, HybridCache cache, int sequences, int rows, int context)
    {
        var perSequence = cache.Blocks.BlocksFor(context + rows);
        if (cache.Blocks.FreeCount < (long)sequences * perSequence || cache.Slots.FreeCount < sequences)
            throw new Qwen3NextException(
                $"{sequences} conversations of {context + rows} tokens need {sequences * perSequence} cache blocks and {sequences} slots; {cache.Blocks.FreeCount} and {cache.Slots.FreeCount} are free. Raise KvCacheBytes or MaxConcurrentRequests.");
        var batch = new Batch(sequences * rows, sequences, perSequence);
        var taken = new List<(int Slot, int[] Blocks)>();
        try
        {
            for (var n = 0; n < sequences; n++)
            {
                cache.Slots.TryTake(out var slot);
                var blocks = new int[perSequence];
                for (var i = 0; i < perSequence; i++) cache.Blocks.TryTake(out blocks[i]);
                taken.Add((slot, blocks));
                var tokens = Enumerable.Range(0, rows).Select(t => (n * rows + t) * 7919 % model.Config.VocabularySize).ToArray();
                batch.Add(tokens, context, slot, blocks, lastLogits: true, allLogits: false);
            }
            return Run(model, cache, batch);
        }
        finally
        {
            foreach (var (slot, blocks) in taken)
            {
                cache.Slots.Return(slot);
                foreach (var block in blocks) cache.Blocks.Return(block);
            }
        }
    }

    // The first step loads kernels and grows scratch memory.
    private static IReadOnlyList<Qwen3NextOpTime> Run(Qwen3NextModel model, HybridCache cache, Batch batch)
    {
        using var clock = model.CreateProfiler();
        for (var i = 0; i < 2; i++)
        {
            clock.TakeTimes();
            var hidden = model.Forward(batch, cache, through: clock);
            if (model.HasHead) model.Logits(batch, hidden, clock);
        }
        return clock.TakeTimes();
    }
}
