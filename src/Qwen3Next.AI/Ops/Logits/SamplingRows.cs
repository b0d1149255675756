using System.Runtime.InteropServices;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Ops.Logits;

/// <summary>How the tokens of one step are chosen: one entry for each row of logits. Reused from step to step.</summary>
/// <param name="maxRows">Most rows of a step.</param>
/// <param name="tokenIds">Ids that may be chosen, the first of a row's logits; rows of the table above have no token.</param>
/// <param name="turn">0 or 1: the tokens of two steps with different turns can be under way.</param>
internal sealed class SamplingRows(int maxRows, int tokenIds, int turn = 0)
{
    private readonly SamplingRow[] _rows = new SamplingRow[maxRows];
    private readonly List<LogitEdit> _edits = [];
    private ulong[]? _allowed;

    public int Count { get; private set; }

    public int MaxRows => maxRows;

    public int TokenIds => tokenIds;

    public int Turn => turn;

    /// <summary>Words of a mask, of 64 tokens each.</summary>
    public int MaskWords => (tokenIds + 63) / 64;

    /// <summary>Those of all rows, in their order.</summary>
    public ReadOnlySpan<LogitEdit> Edits => CollectionsMarshal.AsSpan(_edits);

    public ref readonly SamplingRow this[int row] => ref _rows[row];

    public void Clear()
    {
        Count = 0;
        _edits.Clear();
    }

    /// <summary>Appends a row. What it refers to may change afterwards.</summary>
    /// <param name="row">Its entry.</param>
    /// <param name="allowed">One bit for each token that may be chosen, lowest first; empty where all may.</param>
    public void Add(in SamplingRow row, ReadOnlySpan<ulong> allowed = default)
    {
        var first = _edits.Count;
        LogitEdit.Add(_edits, row.Parameters, row.Counts, tokenIds);
        _rows[Count] = row with { IsMasked = !allowed.IsEmpty, FirstEdit = first, EndEdit = _edits.Count };
        if (!allowed.IsEmpty)
        {
            _allowed ??= new ulong[(long)maxRows * MaskWords];
            allowed[..MaskWords].CopyTo(_allowed.AsSpan(Count * MaskWords));
        }
        Count++;
    }

    /// <summary>The mask of a row; empty where all tokens may be chosen.</summary>
    public ReadOnlySpan<ulong> Allowed(int row) => _rows[row].IsMasked ? _allowed.AsSpan(row * MaskWords, MaskWords) : [];

    /// <summary>Whether a row's mask lets a token pass.</summary>
    public bool Allows(int row, int token) => !_rows[row].IsMasked || (Allowed(row)[token >> 6] >> token & 1) != 0;
}

/// <summary>How one token is chosen.</summary>
/// <param name="Parameters">The request's.</param>
/// <param name="Counts">Tokens so far, where a penalty is in force.</param>
/// <param name="Seed">Of the conversation.</param>
/// <param name="Position">In the answer.</param>
internal readonly record struct SamplingRow(SamplingParameters Parameters, TokenCounts? Counts, long Seed, int Position)
{
    public bool IsMasked { get; init; }

    /// <summary>Its edits among those of all rows.</summary>
    public int FirstEdit { get; init; }

    public int EndEdit { get; init; }
}
