using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>Activations of the largest step, F32, allocated once; a step uses the first rows.</summary>
internal sealed class ActivationBuffers
{
    private readonly Tensor _x, _hidden, _projected, _heads, _cosSin, _pair, _carried;

    public ActivationBuffers(IBackend backend, Qwen3NextConfig config, int maxTokens, int maxLogitRows, bool withMtp)
    {
        var widths = new Widths(config, withMtp);
        _x = Rows(config.HiddenSize);
        _hidden = Rows(config.HiddenSize);
        _projected = Rows(widths.Projected);
        _heads = Rows(widths.Heads);
        _cosSin = Rows(config.RotaryDim);
        _pair = Rows(widths.Pair);
        _carried = Rows(widths.Carried);
        Logits = backend.Allocate(DType.F32, new Shape(maxLogitRows, config.VocabularySize));

        Tensor Rows(int width) => backend.Allocate(DType.F32, new Shape(maxTokens, width));
    }

    /// <summary>Bytes that the constructor will allocate.</summary>
    public static long BytesFor(Qwen3NextConfig config, int maxTokens, int maxLogitRows, bool withMtp)
    {
        var widths = new Widths(config, withMtp);
        var row = 2L * config.HiddenSize + widths.Projected + widths.Heads + config.RotaryDim + widths.Pair + widths.Carried;
        return (maxTokens * row + (long)maxLogitRows * config.VocabularySize) * sizeof(float);
    }

    /// <summary>[most logit rows of a step, V].</summary>
    public Tensor Logits { get; }

    /// <summary>[T, D] residual stream.</summary>
    public Tensor X(int tokens) => _x.Rows(0, tokens);

    /// <summary>[T, D] after the final norm.</summary>
    public Tensor Hidden(int tokens) => _hidden.Rows(0, tokens);

    /// <summary>[T, width] raw projection of a mixer.</summary>
    public Tensor Projected(int tokens, int width) => new(_projected.Address, DType.F32, new Shape(tokens, width));

    /// <summary>[T, width] heads of a mixer.</summary>
    public Tensor Heads(int tokens, int width) => new(_heads.Address, DType.F32, new Shape(tokens, width));

    /// <summary>[T, R].</summary>
    public Tensor CosSin(int tokens) => _cosSin.Rows(0, tokens);

    /// <summary>[T, 2 D] embedding and hidden state side by side, for MTP.</summary>
    public Tensor Pair(int tokens) => _pair.Rows(0, tokens);

    /// <summary>[T, D] hidden states on their way through the MTP module.</summary>
    public Tensor Carried(int tokens) => _carried.Rows(0, tokens);

    private readonly struct Widths(Qwen3NextConfig config, bool withMtp)
    {
        public int Projected => Math.Max(
            config.QueryHeads * config.HeadDim * (config.HasOutputGate ? 2 : 1) + 2 * config.KvHeads * config.HeadDim,
            config.ConvChannels + config.ValueHeads * config.ValueHeadDim + 2 * config.ValueHeads);

        public int Heads => Math.Max(config.QueryHeads * config.HeadDim, config.ValueHeads * config.ValueHeadDim);

        public int Pair => withMtp ? 2 * config.HiddenSize : 0;

        public int Carried => withMtp ? config.HiddenSize : 0;
    }
}
