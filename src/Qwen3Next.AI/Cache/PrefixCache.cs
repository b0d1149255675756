namespace Qwen3Next.AI.Cache;

/// <summary>
/// Prefixes that need not be computed again. A sequence that ends, or comes to a boundary, leaves a checkpoint: its KV blocks, which it shares, and
/// its state, of which there is one per checkpoint. Checkpoints give way, the least recently used first, when their number or the blocks are
/// needed; they go to host memory where there is a budget. Belongs to the engine's thread.
/// </summary>
/// <param name="cache">Where blocks and states lie; it has a slot for each checkpoint besides those of sequences.</param>
/// <param name="most">Most checkpoints on the device; 0 switches the prefix cache off.</param>
/// <param name="hostBytes">Bytes for images in host memory.</param>
internal sealed class PrefixCache(HybridCache cache, int most, long hostBytes) : IDisposable
{
    private readonly PrefixTree _tree = new();
    private readonly LinkedList<Checkpoint> _onDevice = new(), _onHost = new();
    private Checkpoint? _restoring;
    private long _usedHostBytes;

    /// <summary>What sequences of a model without states can go on from: any token of a checkpoint, not its end alone.</summary>
    private bool AnyLength => cache.Layout.BytesPerState == 0;

    /// <summary>Checkpoints on the device and on the host.</summary>
    public int KnownCount => _onDevice.Count + _onHost.Count;

    public long Hits { get; private set; }

    public long Misses { get; private set; }

    /// <summary>Checkpoints that gave way, on the host too.</summary>
    public long Evictions { get; private set; }

    /// <summary>Blocks that checkpoints hold, one entry for each hold.</summary>
    public IEnumerable<int> HeldBlocks => _onDevice.SelectMany(checkpoint => checkpoint.Blocks!);

    /// <summary>State slots of checkpoints.</summary>
    public int SlotCount => _onDevice.Count(checkpoint => checkpoint.Slot >= 0);

    /// <summary>The longest known prefix of some tokens that leaves at least one of them to compute.</summary>
    public PrefixMatch Find(ReadOnlySpan<int> tokens)
    {
        if (most == 0) return default;
        var (node, shared) = _tree.Walk(tokens);
        var match = AnyLength ? Within(node, tokens, shared) : default;
        for (var at = node; match.Checkpoint is null && at is not null; at = at.Parent)
            if (at.Checkpoint is { } checkpoint && at.Depth < tokens.Length) match = new PrefixMatch(checkpoint, at.Depth, shared);
        return match.Checkpoint is null ? new PrefixMatch(null, 0, shared) : match;
    }

    /// <summary>Gives a sequence the blocks and the state of a match. False, and nothing given, where a block for it is missing.</summary>
    /// <param name="match">Of <see cref="Find"/>, with nothing done in between.</param>
    /// <param name="slot">The sequence's state slot.</param>
    /// <param name="blocks">Gets the blocks.</param>
    /// <param name="count">Their number.</param>
    public bool TryRestore(in PrefixMatch match, int slot, int[] blocks, out int count)
    {
        var checkpoint = _restoring = match.Checkpoint!;
        Touch(checkpoint);
        count = cache.Blocks.BlocksFor(match.Length);
        var whole = checkpoint.Image is null ? match.Length / cache.Blocks.BlockSize : 0;
        var given = 0;
        for (; given < whole; given++)
        {
            blocks[given] = checkpoint.Blocks![given];
            cache.Blocks.Share(blocks[given]);
        }
        // A block that the sequence will write to is its own; what it copies stays where it is while this checkpoint is being restored.
        for (; given < count && TryTakeBlock(out blocks[given]); given++)
            if (checkpoint.Blocks is { } shared) cache.CopyBlock(shared[given], blocks[given]);
        if (given == count) Fill(checkpoint, slot, blocks.AsSpan(0, count));
        else while (given > 0) cache.Blocks.Return(blocks[--given]);
        _restoring = null;
        if (given < count) count = 0;
        Hits += count > 0 ? 1 : 0;
        return count > 0;
    }

    /// <summary>Counts a sequence that found nothing.</summary>
    public void Miss() => Misses++;

    /// <summary>
    /// Remembers a prefix that a sequence has computed. True where the slot now belongs to the checkpoint, which only happens when it is given away.
    /// </summary>
    /// <param name="tokens">The prefix.</param>
    /// <param name="blocks">Its blocks, which stay the sequence's as well.</param>
    /// <param name="slot">The state after its last token, with no drafts outstanding.</param>
    /// <param name="canDraft">The MTP layer's keys and values are complete.</param>
    /// <param name="give">The sequence has no more use for its slot.</param>
    public bool Keep(ReadOnlySpan<int> tokens, ReadOnlySpan<int> blocks, int slot, bool canDraft, bool give)
    {
        if (most == 0 || tokens.Length < cache.Blocks.BlockSize) return false;
        var (node, _) = _tree.Walk(tokens);
        if (node.Depth == tokens.Length && node.Checkpoint is { Blocks: not null } known)
        {
            Touch(known);
            return false;
        }
        while (_onDevice.Count >= most) Evict();
        // Nodes come and go with others' checkpoints, so the place is looked up when no more of them will go.
        node = _tree.Add(tokens);
        if (node.Checkpoint is { } onHost) Forget(onHost);
        var checkpoint = new Checkpoint(node, canDraft) { Blocks = blocks[..cache.Blocks.BlocksFor(tokens.Length)].ToArray() };
        foreach (var block in checkpoint.Blocks) cache.Blocks.Hold(block);
        if (!AnyLength) checkpoint.Slot = give ? slot : TakeCopy(slot);
        node.Checkpoint = checkpoint;
        checkpoint.Use = _onDevice.AddLast(checkpoint);
        return give && !AnyLength;
    }

    /// <summary>A free block; checkpoints give way for it.</summary>
    public bool TryTakeBlock(out int block)
    {
        while (!cache.Blocks.TryTake(out block))
        {
            if (_onDevice.Count == 0 || (_onDevice.Count == 1 && _restoring?.Use?.List == _onDevice)) return false;
            Evict();
        }
        return true;
    }

    /// <summary>A copy of the longest known prefix of some tokens, all of them included; null where there is none.</summary>
    public SavedPrefix? Save(ReadOnlySpan<int> tokens)
    {
        var (node, _) = _tree.Walk(tokens);
        for (; node.Parent is { } parent; node = parent)
        {
            if (node.Checkpoint is not { } checkpoint) continue;
            Touch(checkpoint);
            var image = checkpoint.Image?.Copy() ?? CacheImage.Read(cache, Math.Max(0, checkpoint.Slot), checkpoint.Blocks);
            return new SavedPrefix(node.Tokens(), checkpoint.CanDraft, image);
        }
        return null;
    }

    /// <summary>Adds a saved prefix, which stays the caller's; false where there is no room for it.</summary>
    public bool TryAdd(SavedPrefix prefix)
    {
        if (most == 0) return false;
        while (_onDevice.Count >= most) Evict();
        var blocks = new int[cache.Blocks.BlocksFor(prefix.Tokens.Length)];
        var (taken, slot) = (0, -1);
        while (taken < blocks.Length && TryTakeBlock(out blocks[taken])) taken++;
        var kept = false;
        if (taken == blocks.Length && cache.Slots.TryTake(out slot))
        {
            prefix.Image.Write(cache, slot, blocks);
            kept = Keep(prefix.Tokens, blocks, slot, prefix.CanDraft, give: true);
            if (!kept) cache.Slots.Return(slot);
        }
        while (taken > 0) cache.Blocks.Return(blocks[--taken]);
        return kept || slot >= 0;
    }

    /// <summary>Everything on the device gives way.</summary>
    public void Clear()
    {
        while (_onDevice.Count > 0) Evict();
    }

    public void Dispose()
    {
        foreach (var checkpoint in _onHost) checkpoint.Image!.Dispose();
    }

    // Any checkpoint below the last common token has the right blocks up to there.
    private static PrefixMatch Within(PrefixNode node, ReadOnlySpan<int> tokens, int shared)
    {
        var length = Math.Min(shared, tokens.Length - 1);
        if (length == 0) return default;
        if (node.Depth < shared) node = node.Children[tokens[node.Depth]];
        while (node.Checkpoint is null) node = node.Children.Values.First();
        return node.Checkpoint.Blocks is null ? default : new PrefixMatch(node.Checkpoint, length, shared);
    }

    private void Fill(Checkpoint checkpoint, int slot, ReadOnlySpan<int> blocks)
    {
        if (checkpoint.Image is { } image) image.Write(cache, slot, blocks);
        else if (checkpoint.Slot >= 0) cache.Slots.Copy(checkpoint.Slot, slot);
    }

    private int TakeCopy(int slot) => cache.Slots.TryTakeCopy(slot, out var copy) ? copy
        : throw new InvalidOperationException("The cache has fewer state slots than sequences and checkpoints.");

    private static void Touch(Checkpoint checkpoint)
    {
        var list = checkpoint.Use!.List!;
        list.Remove(checkpoint.Use);
        list.AddLast(checkpoint.Use);
    }

    /// <summary>Takes the least recently used checkpoint from the device.</summary>
    private void Evict()
    {
        var checkpoint = _onDevice.First!.Value;
        if (checkpoint == _restoring) checkpoint = checkpoint.Use!.Next!.Value;
        _onDevice.Remove(checkpoint.Use!);
        var image = FitsHost(checkpoint) ? CacheImage.Read(cache, Math.Max(0, checkpoint.Slot), checkpoint.Blocks) : null;
        foreach (var block in checkpoint.Blocks!) cache.Blocks.Release(block);
        if (checkpoint.Slot >= 0) cache.Slots.Return(checkpoint.Slot);
        (checkpoint.Blocks, checkpoint.Slot, checkpoint.Image) = (null, -1, image);
        if (image is null) Drop(checkpoint);
        else checkpoint.Use = _onHost.AddLast(checkpoint);
    }

    private bool FitsHost(Checkpoint checkpoint)
    {
        var bytes = cache.ImageBytes(checkpoint.Blocks!.Length);
        if (bytes > hostBytes) return false;
        while (_usedHostBytes + bytes > hostBytes)
        {
            var oldest = _onHost.First;
            if (oldest?.Value == _restoring) oldest = oldest?.Next;
            if (oldest is null) return false;
            var node = oldest.Value.Node;
            Forget(oldest.Value);
            Drop(node);
        }
        _usedHostBytes += bytes;
        return true;
    }

    private void Forget(Checkpoint onHost)
    {
        _usedHostBytes -= onHost.Image!.Bytes;
        onHost.Image.Dispose();
        _onHost.Remove(onHost.Use!);
        onHost.Node.Checkpoint = null;
    }

    private void Drop(Checkpoint checkpoint)
    {
        checkpoint.Node.Checkpoint = null;
        Drop(checkpoint.Node);
    }

    private void Drop(PrefixNode node)
    {
        Evictions++;
        PrefixTree.Prune(node);
    }
}

/// <summary>A prefix and what the caches hold of it, apart from them. Owned by whoever gets it.</summary>
/// <param name="Tokens">The prefix.</param>
/// <param name="CanDraft">The MTP layer's keys and values are complete.</param>
/// <param name="Image">States, keys and values.</param>
internal sealed record SavedPrefix(int[] Tokens, bool CanDraft, CacheImage Image) : IDisposable
{
    public void Dispose() => Image.Dispose();
}

/// <summary>What is known of some tokens.</summary>
/// <param name="Checkpoint">From where to go on; null where there is nothing.</param>
/// <param name="Length">Tokens that need not be computed.</param>
/// <param name="Shared">Tokens in common with some known prefix, which may be more.</param>
internal readonly record struct PrefixMatch(Checkpoint? Checkpoint, int Length, int Shared);
