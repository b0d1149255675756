namespace Qwen3Next.AI.Cache;

/// <summary>Numbers of KV blocks, each holding the same few positions in every attention layer. One owner per block.</summary>
internal sealed class KvBlockPool
{
    private readonly int[] _free;

    public KvBlockPool(int blocks, int blockSize)
    {
        (Total, BlockSize, FreeCount) = (blocks, blockSize, blocks);
        _free = new int[blocks];
        for (var i = 0; i < blocks; i++) _free[i] = blocks - 1 - i;
    }

    public int Total { get; }

    /// <summary>Positions per block.</summary>
    public int BlockSize { get; }

    public int FreeCount { get; private set; }

    public int BlocksFor(int tokens) => (tokens + BlockSize - 1) / BlockSize;

    public bool TryTake(out int block)
    {
        block = FreeCount > 0 ? _free[--FreeCount] : -1;
        return block >= 0;
    }

    public void Return(int block) => _free[FreeCount++] = block;
}
