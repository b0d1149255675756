using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    private Sampler? _sampler;
    private int[] _sampled = [];
    private int _sampledCount;

    public void Sample(Tensor logits, SamplingRows rows)
    {
        _sampler ??= new Sampler(rows.TokenIds);
        if (_sampled.Length < rows.MaxRows) _sampled = new int[rows.MaxRows];
        _sampledCount = rows.Count;
        for (var i = 0; i < rows.Count; i++)
        {
            ref readonly var row = ref rows[i];
            _sampled[i] = _sampler.Sample(logits.Rows(i, 1).AsSpan()[..rows.TokenIds], row.Parameters, row.Counts, row.Seed, row.Position, rows.Allowed(i));
        }
    }

    public ReadOnlySpan<int> ReadTokens() => _sampled.AsSpan(0, _sampledCount);
}
