using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Ops;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// Decides what the next step computes: one row and its drafts for every conversation that is answering, then as much of waiting prompts as the
/// token budget allows, by priority and then first come first served. What the prefix cache knows of a prompt is not computed again. When KV
/// blocks run out, cached prefixes give way, then the conversation that ranks last gives its blocks back and is computed again later; the first
/// one always goes on, so the engine never stalls.
/// </summary>
internal sealed class Scheduler(HybridCache cache, PrefixCache prefixes, EngineLimits limits, int maxDrafts)
{
    private readonly LinkedList<Sequence> _waiting = new();
    private readonly List<Sequence> _running = new(limits.Sequences);
    private readonly List<Sequence> _inBatch = new(limits.Sequences);

    /// <summary>Conversations of the current batch, in the batch's order.</summary>
    public List<Sequence> InBatch => _inBatch;

    public void Add(Sequence sequence)
    {
        var before = _waiting.Last;
        while (before is not null && before.Value.Priority < sequence.Priority) before = before.Previous;
        if (before is null) _waiting.AddFirst(sequence);
        else _waiting.AddAfter(before, sequence);
    }

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
        while (batch.TokenCount < limits.BatchTokens && _running.Count < limits.Sequences && _waiting.First is { } first && TryAdmit(first.Value))
        {
            _waiting.Remove(first);
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

    /// <summary>Every block and slot is free, cached or owned by a conversation, and counted right.</summary>
    public void CheckIntegrity()
    {
        cache.Blocks.Check(_running.SelectMany(s => s.Blocks.Take(s.BlockCount)), prefixes.HeldBlocks);
        var slots = _running.Count + prefixes.SlotCount + cache.Slots.FreeCount;
        if (slots != cache.Slots.Total) throw new InvalidOperationException($"slots {slots} of {cache.Slots.Total} are accounted for");
    }

    private void Schedule(Sequence sequence, Batch batch)
    {
        // One row and one row of logits are kept for every conversation that comes after this one.
        var others = limits.Sequences - _inBatch.Count - 1;
        var logitRows = limits.LogitRows - batch.LogitCount - others;
        var count = Math.Min(sequence.Pending, limits.BatchTokens - batch.TokenCount);
        if (sequence.AllLogits) count = Math.Min(count, logitRows);
        // A boundary close by is not worth a step of its own.
        if (sequence.Boundaries is { } boundaries) count = Math.Min(count, boundaries.After(sequence.Computed + HybridCache.BlockSize - 1) - sequence.Computed);
        if (count <= 0 || !TryReserve(sequence, sequence.Computed + count)) return;

        if (sequence.CanDraft) TakeFree(sequence, sequence.Computed + count + maxDrafts);
        var room = Math.Min(limits.BatchTokens - batch.TokenCount - count - Math.Max(0, _running.Count - _inBatch.Count - 1), logitRows - 1);
        sequence.CutDrafts(Math.Clamp(Math.Min(room, sequence.BlockCount * cache.Blocks.BlockSize - sequence.Computed - count), 0, maxDrafts));
        var drafts = sequence.DraftCount;
        batch.Add(sequence.Next(count + drafts), sequence.Computed, sequence.Slot, sequence.Blocks.AsSpan(0, sequence.BlockCount),
            lastLogits: count == sequence.Pending && sequence.Hidden is null, sequence.AllLogits || drafts > 0, drafts, sequence.KeptDrafts);
        sequence.InBatch = true;
        _inBatch.Add(sequence);
    }

    private bool TryAdmit(Sequence sequence)
    {
        if (cache.Blocks.FreeCount + cache.Blocks.CachedCount == 0 || !cache.Slots.TryTake(out var slot)) return false;
        sequence.Slot = slot;
        var rank = _running.Count;
        while (rank > 0 && _running[rank - 1].Priority < sequence.Priority) rank--;
        _running.Insert(rank, sequence);
        if (sequence.Boundaries is not null) Restore(sequence);
        return true;
    }

    private void Restore(Sequence sequence)
    {
        var match = prefixes.Find(sequence.Tokens);
        sequence.Boundaries!.Branch = match.Shared;
        if (match.Checkpoint is { } checkpoint && prefixes.TryRestore(match, sequence.Slot, sequence.Blocks, out var blocks))
        {
            sequence.BlockCount = blocks;
            sequence.GoOnFrom(match.Length, checkpoint.CanDraft);
        }
        else
        {
            prefixes.Miss();
        }
    }

    private bool TryReserve(Sequence sequence, int tokens)
    {
        while (sequence.BlockCount < cache.Blocks.BlocksFor(tokens))
        {
            if (prefixes.TryTakeBlock(out var block)) sequence.Blocks[sequence.BlockCount++] = block;
            else if (!TryPreempt(sequence)) return false;
        }
        return true;
    }

    // Room for drafts is taken where there is any, from no other conversation.
    private void TakeFree(Sequence sequence, int tokens)
    {
        var blocks = Math.Min(cache.Blocks.BlocksFor(tokens), sequence.Blocks.Length);
        while (sequence.BlockCount < blocks && prefixes.TryTakeBlock(out var block)) sequence.Blocks[sequence.BlockCount++] = block;
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
            AddBack(victim);
            return true;
        }
        return false;
    }

    // It came before all that wait with its priority.
    private void AddBack(Sequence sequence)
    {
        var after = _waiting.First;
        while (after is not null && after.Value.Priority > sequence.Priority) after = after.Next;
        if (after is null) _waiting.AddLast(sequence);
        else _waiting.AddBefore(after, sequence);
    }

    private void Release(Sequence sequence)
    {
        while (sequence.BlockCount > 0) cache.Blocks.Return(sequence.Blocks[--sequence.BlockCount]);
        if (sequence.Slot >= 0) cache.Slots.Return(sequence.Slot);
        sequence.Slot = -1;
    }
}
