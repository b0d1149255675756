using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    private readonly int[][] _sampled = [[], []];
    private Sampler? _sampler;
    private int _sampledTurn;

    public void Sample(Tensor logits, SamplingRows rows)
    {
        _sampler ??= new Sampler(rows.TokenIds);
        _sampledTurn = rows.Turn;
        ref var tokens = ref _sampled[rows.Turn];
        if (tokens.Length < rows.MaxRows) tokens = new int[rows.MaxRows];
        for (var i = 0; i < rows.Count; i++)
        {
            ref readonly var row = ref rows[i];
            tokens[i] = _sampler.Sample(
                logits.Rows(i, 1).AsSpan()[..rows.TokenIds], row.Parameters, rows.Edits[row.FirstEdit..row.EndEdit], row.Seed, row.Position, rows.Allowed(i));
        }
    }

    public ReadOnlySpan<int> ReadTokens(SamplingRows rows) => _sampled[rows.Turn].AsSpan(0, rows.Count);

    /// <summary>An entry of <see cref="Batch.Tokens"/> or <see cref="Batch.NextTokens"/> as a token id.</summary>
    private int Resolve(int token) => token >= 0 ? token : _sampled[_sampledTurn][~token];
}
