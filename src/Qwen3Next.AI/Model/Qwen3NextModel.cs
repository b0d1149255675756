using System.Diagnostics;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>The decoder: token ids of a batch to hidden states and logits. Owns its working memory; used by one thread at a time.</summary>
internal sealed class Qwen3NextModel
{
    // A decoded token and its drafts.
    private const int MostReplayedRows = 8;

    private readonly IBackend _backend;
    private readonly DecoderLayer[] _layers;
    private readonly Tensor _embedding, _finalNorm, _frequencies;
    private readonly LinearWeight _head;
    private readonly MultiTokenPredictor? _mtp;
    private readonly Action _forwardStep;
    private StepContext _step;

    /// <param name="backend">Computes.</param>
    /// <param name="weights">Not owned; needed as long as the model only where the backend shares the host's memory.</param>
    /// <param name="maxTokens">Rows of the largest step.</param>
    /// <param name="maxLogitRows">Rows of the largest <see cref="Logits"/>.</param>
    /// <param name="placed">Told how many layers' weights are in place; may throw to end the load.</param>
    public Qwen3NextModel(IBackend backend, Qwen3NextWeights weights, int maxTokens, int maxLogitRows, Action<int>? placed = null)
    {
        (_backend, Config) = (backend, weights.Config);
        CheckWidths(Config);
        _embedding = backend.Place(new LinearWeight(weights.Embedding)).Weight;
        _layers = new DecoderLayer[weights.Layers.Length];
        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i] = new DecoderLayer(Config, weights.Layers[i].PlaceOn(backend), i);
            placed?.Invoke(i + 1);
        }
        _finalNorm = backend.Place(weights.FinalNorm);
        _head = weights.Head.Weight == weights.Embedding ? new LinearWeight(_embedding) : weights.Head.Weight.IsEmpty ? default : backend.Place(weights.Head);
        if (weights.Mtp is { } mtp) _mtp = new MultiTokenPredictor(Config, mtp.PlaceOn(backend), _embedding);
        _frequencies = backend.Allocate(DType.F32, new Shape(Config.RotaryDim / 2));
        backend.Write(Config.Rope.InverseFrequencies(), _frequencies);
        _forwardStep = () => ForwardStep(null);
        Buffers = new ActivationBuffers(backend, Config, maxTokens, maxLogitRows, HasMtp);
    }

    public Qwen3NextConfig Config { get; }

    public bool HasMtp => _mtp is not null;

    /// <summary>False for embedding checkpoints, of which only hidden states can be had.</summary>
    public bool HasHead => !_head.Weight.IsEmpty;

    public ActivationBuffers Buffers { get; }

    /// <summary>Ticks of the stopwatch that were spent on waiting for the device.</summary>
    public long WaitedTicks { get; private set; }

    /// <summary>Runs all layers over the rows of a batch, updates the cache, and returns the hidden states after the final norm [T, D].</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="cache">What the sequences remember.</param>
    /// <param name="afterLayer">Sees the residual stream [T, D] after each layer; for tests.</param>
    /// <param name="through">Computes in the model's backend's stead, with its memory; for measurements.</param>
    public Tensor Forward(Batch batch, HybridCache cache, Action<int, Tensor>? afterLayer = null, IBackend? through = null)
    {
        _backend.Load(batch);
        _step = new StepContext(through ?? _backend, batch, cache, Buffers.CosSin(batch.TokenCount), Buffers);
        // Short steps are bound by the cost of issuing ops, and there are few shapes of them.
        if (batch.MostRows <= MostReplayedRows && afterLayer is null) _step.Backend.Run(new StepShape(0, batch.TokenCount, batch.SequenceCount), _forwardStep);
        else ForwardStep(afterLayer);
        return Buffers.Hidden(batch.TokenCount);
    }

    /// <summary>Logits [LogitCount, V] of the batch's chosen rows of hidden states; valid until the next call.</summary>
    public Tensor Logits(Batch batch, Tensor hidden, IBackend? through = null)
    {
        var logits = Buffers.Logits.Rows(0, batch.LogitCount);
        (through ?? _backend).Logits(hidden, batch, _head, logits);
        return logits;
    }

    /// <summary>Values on the host; valid until the next reading, or computation.</summary>
    public ReadOnlySpan<float> Read(Tensor tensor)
    {
        var started = Stopwatch.GetTimestamp();
        var values = _backend.Read(tensor);
        WaitedTicks += Stopwatch.GetTimestamp() - started;
        return values;
    }

    /// <summary>Starts to choose a token for each row of logits.</summary>
    public void Sample(Tensor logits, SamplingRows rows) => _backend.Sample(logits, rows);

    /// <summary>Waits for the chosen tokens.</summary>
    public ReadOnlySpan<int> ReadTokens(SamplingRows rows)
    {
        var started = Stopwatch.GetTimestamp();
        var tokens = _backend.ReadTokens(rows);
        WaitedTicks += Stopwatch.GetTimestamp() - started;
        return tokens;
    }

    /// <summary>A clock around this model's backend, to be given as what a step is computed through.</summary>
    public ProfilingBackend CreateProfiler() => new(_backend);

    /// <summary>Bytes per second that the device reads at best.</summary>
    public double MeasureReadRate() => _backend.MeasureReadRate();

    /// <summary>Takes kept drafts into the states of a batch's sequences, which have no rows.</summary>
    public void Settle(Batch batch, HybridCache cache)
    {
        _backend.Load(batch);
        var step = new StepContext(_backend, batch, cache, default, Buffers);
        foreach (var layer in _layers) layer.Settle(step);
    }

    /// <summary>Puts rows of hidden states into <see cref="ActivationBuffers.Carried"/>, where <see cref="Predict"/> reads them; rows that overlap must not move.</summary>
    public void Carry(Tensor hidden, int row, int count, int to) => _backend.Copy(hidden.Rows(row, count), Buffers.Carried(to + count).Rows(to, count));

    /// <summary>Turns carried hidden states into those of the multi-token-prediction module.</summary>
    /// <param name="batch">A row for each, with the token after it.</param>
    /// <param name="cache">Its MTP layer is updated.</param>
    /// <returns>[T, D], to be carried on or turned into logits.</returns>
    public Tensor Predict(Batch batch, HybridCache cache)
    {
        if (_mtp is null) throw new InvalidOperationException("The checkpoint has no multi-token-prediction module.");
        _backend.Load(batch);
        var (cosSin, carried) = (Buffers.CosSin(batch.TokenCount), Buffers.Carried(batch.TokenCount));
        _backend.RotaryAngles(batch, _frequencies, Config.Rope.AttentionFactor, cosSin);
        _mtp.Forward(new StepContext(_backend, batch, cache, cosSin, Buffers), carried);
        return carried;
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

    private void ForwardStep(Action<int, Tensor>? afterLayer)
    {
        var (backend, batch, x) = (_step.Backend, _step.Batch, Buffers.X(_step.Batch.TokenCount));
        backend.RotaryAngles(batch, _frequencies, Config.Rope.AttentionFactor, _step.CosSin);
        backend.Embed(_embedding, batch, x);
        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i].Forward(_step, x);
            afterLayer?.Invoke(i, x);
        }
        backend.Norm(x, _finalNorm, (float)Config.NormEpsilon, Buffers.Hidden(batch.TokenCount));
    }
}
