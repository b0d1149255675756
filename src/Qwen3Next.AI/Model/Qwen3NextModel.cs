using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>The decoder: token ids of a batch to hidden states and logits. Owns weights and working memory; used by one thread at a time.</summary>
internal sealed class Qwen3NextModel
{
    private readonly IBackend _backend;
    private readonly Qwen3NextWeights _weights;
    private readonly DecoderLayer[] _layers;
    private readonly MultiTokenPredictor? _mtp;
    private readonly float[] _frequencies;

    /// <param name="backend">Computes.</param>
    /// <param name="weights">Not owned.</param>
    /// <param name="maxTokens">Rows of the largest step.</param>
    /// <param name="maxLogitRows">Rows of the largest <see cref="Logits"/>.</param>
    public Qwen3NextModel(IBackend backend, Qwen3NextWeights weights, int maxTokens, int maxLogitRows)
    {
        (_backend, _weights) = (backend, weights);
        CheckWidths(Config);
        _layers = [.. weights.Layers.Select((layer, number) => new DecoderLayer(Config, layer, number))];
        if (weights.Mtp is { } mtp) _mtp = new MultiTokenPredictor(Config, mtp, weights.Embedding);
        _frequencies = Config.Rope.InverseFrequencies();
        Buffers = new ActivationBuffers(backend, Config, maxTokens, maxLogitRows, HasMtp);
    }

    public Qwen3NextConfig Config => _weights.Config;

    public bool HasMtp => _mtp is not null;

    public ActivationBuffers Buffers { get; }

    /// <summary>Runs all layers over the rows of a batch, updates the cache, and returns the hidden states after the final norm [T, D].</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="cache">What the sequences remember.</param>
    /// <param name="afterLayer">Sees the residual stream [T, D] after each layer; for tests.</param>
    public Tensor Forward(Batch batch, HybridCache cache, Action<int, Tensor>? afterLayer = null)
    {
        var step = Step(batch, cache);
        var x = Buffers.X(batch.TokenCount);
        _backend.Embed(_weights.Embedding, batch.Tokens.AsSpan(0, batch.TokenCount), x);
        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i].Forward(step, x);
            afterLayer?.Invoke(i, x);
        }
        var hidden = Buffers.Hidden(batch.TokenCount);
        _backend.Norm(x, _weights.FinalNorm, (float)Config.NormEpsilon, hidden);
        return hidden;
    }

    /// <summary>Logits [rows, V] of chosen rows of hidden states; valid until the next call.</summary>
    public Tensor Logits(Tensor hidden, ReadOnlySpan<int> rows)
    {
        var logits = Buffers.Logits.Rows(0, rows.Length);
        _backend.Logits(hidden, rows, _weights.Head, logits);
        return logits;
    }

    /// <summary>Turns the hidden states of the batch just computed into those of the multi-token-prediction module, in place.</summary>
    /// <param name="batch">The same batch.</param>
    /// <param name="cache">Its MTP layer is updated.</param>
    /// <param name="nextTokens">[T] the token after each row.</param>
    /// <param name="hidden">What <see cref="Forward"/> returned.</param>
    public void Predict(Batch batch, HybridCache cache, ReadOnlySpan<int> nextTokens, Tensor hidden)
    {
        if (_mtp is null) throw new InvalidOperationException("The checkpoint has no multi-token-prediction module.");
        _mtp.Forward(Step(batch, cache), nextTokens, hidden);
    }

    /// <summary>Refuses widths that the ops cannot compute.</summary>
    /// <exception cref="CheckpointException">One is not a multiple of 8.</exception>
    internal static void CheckWidths(Qwen3NextConfig config)
    {
        ReadOnlySpan<(string Name, int Value)> widths =
        [
            ("hidden_size", config.HiddenSize), ("head_dim", config.HeadDim), ("linear_key_head_dim", config.KeyHeadDim),
            ("linear_value_head_dim", config.ValueHeadDim), ("intermediate_size", config.MlpWidth), ("moe_intermediate_size", config.ExpertWidth),
            ("shared_expert_intermediate_size", config.SharedExpertWidth),
        ];
        foreach (var (name, value) in widths)
            if (value % 8 != 0) throw new CheckpointException($"config.json: {name} is {value}; only multiples of 8 can be computed.");
    }

    private StepContext Step(Batch batch, HybridCache cache)
    {
        var cosSin = Buffers.CosSin(batch.TokenCount);
        _backend.RotaryAngles(batch.Positions.AsSpan(0, batch.TokenCount), _frequencies, Config.Rope.AttentionFactor, cosSin);
        return new StepContext(_backend, batch, cache, cosSin, Buffers);
    }
}
