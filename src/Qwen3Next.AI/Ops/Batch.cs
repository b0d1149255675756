namespace Qwen3Next.AI.Ops;

/// <summary>
/// One step as flat arrays: rows of prefill chunks and decode rows of N sequences, mixed. Row t of sequence n lies at
/// SequenceStart[n] &lt;= t &lt; SequenceStart[n+1]; rows of a sequence have consecutive positions. The last rows of a sequence may be drafts: guesses
/// that are computed like any other row but leave its DeltaNet state as it was, until a later step says how many of them were right. A sequence
/// without rows is there for that alone. Arrays are reused from step to step.
/// </summary>
internal sealed class Batch
{
    public Batch(int maxTokens, int maxSequences, int maxBlocksPerSequence)
    {
        Tokens = new int[maxTokens];
        NextTokens = new int[maxTokens];
        Positions = new int[maxTokens];
        LogitRows = new int[maxTokens];
        SequenceStart = new int[maxSequences + 1];
        StateSlots = new int[maxSequences];
        BlockCounts = new int[maxSequences];
        Drafts = new int[maxSequences];
        KeptDrafts = new int[maxSequences];
        BlockTable = new int[maxSequences * maxBlocksPerSequence];
        BlocksPerSequence = maxBlocksPerSequence;
    }

    /// <summary>Rows in use, T.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Sequences in use, N.</summary>
    public int SequenceCount { get; private set; }

    /// <summary>Rows of the sequence that has most.</summary>
    public int MostRows { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int LogitCount { get; private set; }

    /// <summary>[T] token ids, or ~i where row i of the backend's last sampling has the token and the host may not know it yet.</summary>
    public int[] Tokens { get; }

    /// <summary>[T] the token that follows each row, named likewise, where multi-token prediction is computed.</summary>
    public int[] NextTokens { get; }

    /// <summary>[T] positions within their sequences; the first one of a sequence is also its number of cached tokens.</summary>
    public int[] Positions { get; }

    /// <summary>[N + 1] first row of each sequence.</summary>
    public int[] SequenceStart { get; }

    /// <summary>[N] slots of recurrent and convolution state.</summary>
    public int[] StateSlots { get; }

    /// <summary>[N] rows at the end of each sequence that are drafts; the rows before them are certain.</summary>
    public int[] Drafts { get; }

    /// <summary>[N] drafts of the slot's previous step, from its first on, that were right: its state takes them in before this step's rows.</summary>
    public int[] KeptDrafts { get; }

    /// <summary>[N, BlocksPerSequence] KV blocks in position order.</summary>
    public int[] BlockTable { get; }

    /// <summary>[N] entries in use of each sequence's row of <see cref="BlockTable"/>.</summary>
    public int[] BlockCounts { get; }

    public int BlocksPerSequence { get; }

    /// <summary>[LogitCount] row indices, ascending.</summary>
    public int[] LogitRows { get; }

    public void Clear() => TokenCount = SequenceCount = LogitCount = MostRows = 0;

    /// <summary>Appends rows of one sequence: tokens at positions from <paramref name="position"/> on, the last <paramref name="drafts"/> of them drafts.</summary>
    public void Add(ReadOnlySpan<int> tokens, int position, int stateSlot, ReadOnlySpan<int> blocks, bool lastLogits, bool allLogits, int drafts = 0, int keptDrafts = 0)
    {
        var start = TokenCount;
        tokens.CopyTo(Tokens.AsSpan(start));
        for (var i = 0; i < tokens.Length; i++)
        {
            Positions[start + i] = position + i;
            if (allLogits || (lastLogits && i == tokens.Length - 1)) LogitRows[LogitCount++] = start + i;
        }
        blocks.CopyTo(BlockTable.AsSpan(SequenceCount * BlocksPerSequence, BlocksPerSequence));
        BlockCounts[SequenceCount] = blocks.Length;
        StateSlots[SequenceCount] = stateSlot;
        Drafts[SequenceCount] = drafts;
        KeptDrafts[SequenceCount] = keptDrafts;
        SequenceStart[SequenceCount] = start;
        MostRows = Math.Max(MostRows, tokens.Length);
        SequenceStart[++SequenceCount] = TokenCount = start + tokens.Length;
    }
}
