namespace Qwen3Next.AI.Cache;

/// <summary>
/// Numbers of KV blocks, each holding the same few positions in every attention layer. A block may have several owners, who only read what
/// they share, and be held by the prefix cache; it is free again when neither is left.
/// </summary>
internal sealed class KvBlockPool
{
    private readonly int[] _free, _owners, _holds;

    public KvBlockPool(int blocks, int blockSize)
    {
        (Total, BlockSize, FreeCount) = (blocks, blockSize, blocks);
        _free = new int[blocks];
        for (var i = 0; i < blocks; i++) _free[i] = blocks - 1 - i;
        _owners = new int[blocks];
        _holds = new int[blocks];
    }

    public int Total { get; }

    /// <summary>Positions per block.</summary>
    public int BlockSize { get; }

    public int FreeCount { get; private set; }

    /// <summary>Blocks that the prefix cache alone keeps.</summary>
    public int CachedCount { get; private set; }

    public int BlocksFor(int tokens) => (tokens + BlockSize - 1) / BlockSize;

    public bool TryTake(out int block)
    {
        block = FreeCount > 0 ? _free[--FreeCount] : -1;
        if (block < 0) return false;
        _owners[block] = 1;
        return true;
    }

    /// <summary>Adds an owner of a block that has one or is held.</summary>
    public void Share(int block)
    {
        if (_owners[block]++ == 0) CachedCount--;
    }

    /// <summary>Takes an owner away.</summary>
    public void Return(int block)
    {
        if (--_owners[block] > 0) return;
        if (_holds[block] > 0) CachedCount++;
        else _free[FreeCount++] = block;
    }

    /// <summary>The prefix cache keeps a block that has an owner or that it keeps already.</summary>
    public void Hold(int block) => _holds[block]++;

    public void Release(int block)
    {
        if (--_holds[block] > 0 || _owners[block] > 0) return;
        CachedCount--;
        _free[FreeCount++] = block;
    }

    /// <summary>Compares the counts with those of all owners and holders; for tests.</summary>
    /// <exception cref="InvalidOperationException">A block is lost, or owned by somebody unknown.</exception>
    public void Check(IEnumerable<int> owned, IEnumerable<int> held)
    {
        var (owners, holds) = (new int[Total], new int[Total]);
        foreach (var block in owned) owners[block]++;
        foreach (var block in held) holds[block]++;
        for (var block = 0; block < Total; block++)
            if (owners[block] != _owners[block] || holds[block] != _holds[block])
                throw new InvalidOperationException($"block {block} has {owners[block]} owners and {holds[block]} holds; {_owners[block]} and {_holds[block]} are counted");
        var used = owners.Count(count => count > 0);
        if (FreeCount + CachedCount + used != Total || _free.Take(FreeCount).Distinct().Count() != FreeCount)
            throw new InvalidOperationException($"{FreeCount} free, {CachedCount} cached and {used} owned blocks are not {Total}");
    }
}
