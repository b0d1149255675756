using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Ops.Logits;

/// <summary>How the tokens of one step are chosen: one entry for each row of logits. Reused from step to step.</summary>
/// <param name="maxRows">Most rows of a step.</param>
/// <param name="tokenIds">Ids that may be chosen, the first of a row's logits; rows of the table above have no token.</param>
internal sealed class SamplingRows(int maxRows, int tokenIds)
{
    private readonly SamplingRow[] _rows = new SamplingRow[maxRows];
    private ulong[]? _allowed;

    public int Count { get; private set; }

    public int MaxRows => maxRows;

    public int TokenIds => tokenIds;

    /// <summary>Words of a mask, of 64 tokens each.</summary>
    public int MaskWords => (tokenIds + 63) / 64;

    public ref readonly SamplingRow this[int row] => ref _rows[row];

    public void Clear() => Count = 0;

    /// <summary>Appends a row.</summary>
    /// <param name="row">Its entry.</param>
    /// <param name="allowed">One bit for each token that may be chosen, lowest first; empty where all may. Copied.</param>
    public void Add(in SamplingRow row, ReadOnlySpan<ulong> allowed = default)
    {
        _rows[Count] = row with { IsMasked = !allowed.IsEmpty };
        if (!allowed.IsEmpty)
        {
            _allowed ??= new ulong[(long)maxRows * MaskWords];
            allowed[..MaskWords].CopyTo(_allowed.AsSpan(Count * MaskWords));
        }
        Count++;
    }

    /// <summary>The mask of a row; empty where all tokens may be chosen.</summary>
    public ReadOnlySpan<ulong> Allowed(int row) => _rows[row].IsMasked ? _allowed.AsSpan(row * MaskWords, MaskWords) : [];
}

/// <summary>How one token is chosen.</summary>
/// <param name="Parameters">The request's.</param>
/// <param name="Counts">Tokens so far, where a penalty is in force.</param>
/// <param name="Seed">Of the conversation.</param>
/// <param name="Position">In the answer.</param>
internal readonly record struct SamplingRow(SamplingParameters Parameters, TokenCounts? Counts, long Seed, int Position)
{
    public bool IsMasked { get; init; }
}
