using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>Checkpoint name, shape, treatment and field of every tensor: the one place that knows the names of a checkpoint.</summary>
internal sealed class WeightMap(Qwen3NextConfig config, WeightBinder binder)
{
    private readonly int _hidden = config.HiddenSize;
    private readonly TensorRole _norm = config.ZeroCentredNorm ? TensorRole.ZeroCentredNorm : TensorRole.Norm;

    /// <summary>All tensors of a model in the published layout, without reading anything.</summary>
    public static List<TensorSpec> Tensors(Qwen3NextConfig config, bool mtp)
    {
        var binder = new WeightBinder();
        var map = new WeightMap(config, binder);
        map.BindMain();
        if (mtp) map.BindMtp();
        return binder.Taken.ConvertAll(t => t.Spec);
    }

    /// <summary>Compares every header with the configuration; the result knows what was used and how much memory the copies need.</summary>
    /// <exception cref="CheckpointException">A tensor is missing, or its shape or type does not fit.</exception>
    public static WeightBinder Check(Qwen3NextConfig config, ICheckpoint checkpoint, CheckpointNames names, CancellationToken ct = default)
    {
        var binder = new WeightBinder(checkpoint, names, ct);
        var map = new WeightMap(config, binder);
        map.BindMain();
        map.BindMtp();
        return binder;
    }

    public (Tensor Embedding, LayerWeights[] Layers, Tensor FinalNorm, LinearWeight Head) BindMain()
    {
        var embedding = binder.Stored("model.embed_tokens.weight", new Shape(config.VocabularySize, _hidden), TensorRole.Embedding);
        var layers = new LayerWeights[config.Layers];
        for (var i = 0; i < layers.Length; i++) layers[i] = Layer($"model.layers.{i}.", config.IsFullAttention(i), config.UsesMoe(i));
        return (embedding, layers, Norm("model.norm.weight"), Head(embedding));
    }

    /// <summary>Null where the checkpoint has no such module.</summary>
    public MtpWeights? BindMtp() => config.Type != ModelType.Qwen3Next || !binder.HasMtp ? null : new MtpWeights
    {
        EmbeddingNorm = Norm("mtp.pre_fc_norm_embedding.weight"),
        HiddenNorm = Norm("mtp.pre_fc_norm_hidden.weight"),
        FinalNorm = Norm("mtp.norm.weight"),
        Combine = binder.Matrix("mtp.fc.weight", _hidden, 2 * _hidden, TensorRole.SmallMatrix),
        Layer = Layer("mtp.layers.0.", fullAttention: true, moe: config.Experts > 0),
    };

    private LinearWeight Head(Tensor embedding) =>
        config.Tied ? new LinearWeight(embedding)
        : binder.IsBareModel && !binder.Has("lm_head.weight") ? default
        : binder.Matrix("lm_head.weight", config.VocabularySize, _hidden, TensorRole.Head);

    private LayerWeights Layer(string prefix, bool fullAttention, bool moe) => new()
    {
        InputNorm = Norm(prefix + "input_layernorm.weight"),
        PostAttentionNorm = Norm(prefix + "post_attention_layernorm.weight"),
        Attention = fullAttention ? Attention(prefix + "self_attn.") : null,
        DeltaNet = fullAttention ? null : DeltaNet(prefix + "linear_attn."),
        Moe = moe ? Moe(prefix + "mlp.") : null,
        Mlp = moe ? null : Mlp(prefix + "mlp.", config.MlpWidth, TensorRole.Matrix),
    };

    private AttentionWeights Attention(string prefix)
    {
        int heads = config.QueryHeads * config.HeadDim, kvHeads = config.KvHeads * config.HeadDim;
        return new AttentionWeights
        {
            Query = binder.Matrix(prefix + "q_proj.weight", config.HasOutputGate ? 2 * heads : heads, _hidden, TensorRole.Matrix),
            Key = binder.Matrix(prefix + "k_proj.weight", kvHeads, _hidden, TensorRole.Matrix),
            Value = binder.Matrix(prefix + "v_proj.weight", kvHeads, _hidden, TensorRole.Matrix),
            Output = binder.Matrix(prefix + "o_proj.weight", _hidden, heads, TensorRole.Matrix),
            QueryNorm = binder.Vector(prefix + "q_norm.weight", config.HeadDim, _norm),
            KeyNorm = binder.Vector(prefix + "k_norm.weight", config.HeadDim, _norm),
        };
    }

    private DeltaNetWeights DeltaNet(string prefix)
    {
        int key = config.KeyHeadDim, valuesPerKey = config.ValueHeads / config.KeyHeads, value = valuesPerKey * config.ValueHeadDim;
        return new DeltaNetWeights
        {
            Qkvz = binder.Regrouped(prefix + "in_proj_qkvz.weight", _hidden, TensorRole.Matrix, config.KeyHeads, key, key, value, value),
            BetaDecay = binder.Regrouped(prefix + "in_proj_ba.weight", _hidden, TensorRole.SmallMatrix, config.KeyHeads, valuesPerKey, valuesPerKey),
            Output = binder.Matrix(prefix + "out_proj.weight", _hidden, config.ValueHeads * config.ValueHeadDim, TensorRole.Matrix),
            Conv = binder.ConvTaps(prefix + "conv1d.weight", config.ConvChannels, config.ConvKernel),
            NegExpA = binder.Vector(prefix + "A_log", config.ValueHeads, TensorRole.LogDecay),
            DtBias = binder.Vector(prefix + "dt_bias", config.ValueHeads, TensorRole.TimeStepBias),
            Norm = binder.Vector(prefix + "norm.weight", config.ValueHeadDim, TensorRole.Norm),
        };
    }

    private MoeWeights Moe(string prefix)
    {
        var shared = config.SharedExpertWidth > 0;
        return new MoeWeights
        {
            Router = binder.Matrix(prefix + "gate.weight", config.Experts, _hidden, TensorRole.SmallMatrix),
            Experts = binder.Has(prefix + "experts.gate_up_proj") ? FusedExperts(prefix + "experts.") : SeparateExperts(prefix + "experts."),
            Shared = shared ? Mlp(prefix + "shared_expert.", config.SharedExpertWidth, TensorRole.Matrix) : null,
            SharedGate = shared
                ? binder.Vector(prefix + "shared_expert_gate.weight", new Shape(1, _hidden), TensorRole.SmallMatrix, new Shape(_hidden))
                : default,
        };
    }

    private MlpWeights[] SeparateExperts(string prefix)
    {
        var experts = new MlpWeights[config.Experts];
        for (var e = 0; e < experts.Length; e++) experts[e] = Mlp($"{prefix}{e}.", config.ExpertWidth, TensorRole.Expert);
        return experts;
    }

    /// <summary>transformers 5.x in memory, and some files: all experts in two tensors, gate rows before up rows.</summary>
    private MlpWeights[] FusedExperts(string prefix)
    {
        int width = config.ExpertWidth;
        var gateUp = binder.Stored(prefix + "gate_up_proj", new Shape(config.Experts, 2 * width, _hidden), TensorRole.StackedExperts);
        var down = binder.Stored(prefix + "down_proj", new Shape(config.Experts, _hidden, width), TensorRole.StackedExperts);
        var experts = new MlpWeights[config.Experts];
        for (var e = 0; e < experts.Length; e++)
        {
            experts[e] = new MlpWeights
            {
                Gate = new LinearWeight(gateUp.At(e).Rows(0, width)),
                Up = new LinearWeight(gateUp.At(e).Rows(width, width)),
                Down = new LinearWeight(down.At(e)),
            };
        }
        return experts;
    }

    private MlpWeights Mlp(string prefix, int width, TensorRole role) => new()
    {
        Gate = binder.Matrix(prefix + "gate_proj.weight", width, _hidden, role),
        Up = binder.Matrix(prefix + "up_proj.weight", width, _hidden, role),
        Down = binder.Matrix(prefix + "down_proj.weight", _hidden, width, role),
    };

    private Tensor Norm(string name) => binder.Vector(name, _hidden, _norm);
}
