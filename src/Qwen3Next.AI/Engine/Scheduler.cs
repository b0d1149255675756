using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// Decides what the next step computes: one row for every conversation that is answering, then as much of waiting prompts as the token budget
/// allows, first come first served. When KV blocks run out, the newest conversation gives its blocks back and is computed again later; the
/// oldest always goes on, so the engine never stalls.
/// </summary>
internal sealed class Scheduler(HybridCache cache, int maxTokens, int maxSequences, int maxLogitRows)
{
    private readonly LinkedList<Sequence> _waiting = new();
    private readonly List<Sequence> _running = new(maxSequences);
    private readonly List<Sequence> _inBatch = new(maxSequences);

    /// <summary>Conversations of the current batch, in the batch's order.</summary>
    public List<Sequence> InBatch => _inBatch;

    public void Add(Sequence sequence) => _waiting.AddLast(sequence);

    /// <summary>Puts the next step together.</summary>
    public void Fill(Batch batch)
    {
        batch.Clear();
        foreach (var sequence in _inBatch) sequence.InBatch = false;
        _inBatch.Clear();

        // Preemption may shorten the list from its end while it is walked.
        for (var i = 0; i < _running.Count; i++)
            if (_running[i].Pending == 1) Schedule(_running[i], batch);
        for (var i = 0; i < _running.Count; i++)
            if (_running[i].Pending > 1) Schedule(_running[i], batch);
        while (batch.TokenCount < maxTokens && _running.Count < maxSequences && _waiting.First is { } first && TryAdmit(first.Value))
        {
            _waiting.RemoveFirst();
            Schedule(first.Value, batch);
        }
    }

    /// <summary>Takes a conversation out and frees what it owns.</summary>
    public void Remove(Sequence sequence)
    {
        if (!_running.Remove(sequence)) _waiting.Remove(sequence);
        Release(sequence);
    }

    /// <summary>Calls back for every conversation; the callback may remove the one it gets.</summary>
    public void ForEach(Action<Sequence> action)
    {
        for (var i = _running.Count - 1; i >= 0; i--) action(_running[i]);
        for (var node = _waiting.First; node is not null;)
        {
            var next = node.Next;
            action(node.Value);
            node = next;
        }
    }

    /// <summary>Every block and slot is free or owned by exactly one conversation.</summary>
    public void CheckIntegrity()
    {
        var blocks = _running.Sum(s => s.BlockCount) + cache.Blocks.FreeCount;
        var slots = _running.Count + cache.Slots.FreeCount;
        if (blocks != cache.Blocks.Total || slots != cache.Slots.Total)
            throw new InvalidOperationException($"blocks {blocks} of {cache.Blocks.Total}, slots {slots} of {cache.Slots.Total} are accounted for");
        if (_running.SelectMany(s => s.Blocks.Take(s.BlockCount)).GroupBy(b => b).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new InvalidOperationException($"block {twice.Key} has {twice.Count()} owners");
    }

    private void Schedule(Sequence sequence, Batch batch)
    {
        var count = Math.Min(sequence.Pending, maxTokens - batch.TokenCount);
        // One logit row is kept for every conversation.
        if (sequence.AllLogits) count = Math.Min(count, maxLogitRows - batch.LogitCount - (maxSequences - _inBatch.Count - 1));
        if (count <= 0 || !TryReserve(sequence, sequence.Computed + count)) return;
        batch.Add(sequence.Next(count), sequence.Computed, sequence.Slot, sequence.Blocks.AsSpan(0, sequence.BlockCount),
            lastLogits: count == sequence.Pending && sequence.Hidden is null, sequence.AllLogits);
        sequence.InBatch = true;
        _inBatch.Add(sequence);
    }

    private bool TryAdmit(Sequence sequence)
    {
        if (cache.Blocks.FreeCount == 0 || !cache.Slots.TryTake(out var slot)) return false;
        sequence.Slot = slot;
        _running.Add(sequence);
        return true;
    }

    private bool TryReserve(Sequence sequence, int tokens)
    {
        while (sequence.BlockCount < cache.Blocks.BlocksFor(tokens))
        {
            if (cache.Blocks.TryTake(out var block)) sequence.Blocks[sequence.BlockCount++] = block;
            else if (!TryPreempt(sequence)) return false;
        }
        return true;
    }

    private bool TryPreempt(Sequence asking)
    {
        for (var i = _running.Count - 1; i >= 0 && _running[i] != asking; i--)
        {
            var victim = _running[i];
            if (victim.InBatch) continue;
            _running.RemoveAt(i);
            Release(victim);
            victim.Forget();
            _waiting.AddFirst(victim);
            return true;
        }
        return false;
    }

    private void Release(Sequence sequence)
    {
        while (sequence.BlockCount > 0) cache.Blocks.Return(sequence.Blocks[--sequence.BlockCount]);
        if (sequence.Slot >= 0) cache.Slots.Return(sequence.Slot);
        sequence.Slot = -1;
    }
}
