using System.Text.Json;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Model;

/// <summary>
/// Reads config.json as transformers 4.57 and 5.x write it, checks every value and refuses by name what would change the arithmetic
/// in a way the engine does not compute.
/// </summary>
internal static class Qwen3NextConfigReader
{
    private const int MaxWidth = 1 << 20, MaxHeads = 1024, MaxHeadDim = 1024, MaxLayers = 4096, MaxExperts = 1 << 16;

    public static Qwen3NextConfig Read(JsonSection json)
    {
        var type = json.Text("model_type") switch
        {
            "qwen3_next" => ModelType.Qwen3Next,
            "qwen3" => ModelType.Qwen3,
            "qwen3_moe" => ModelType.Qwen3Moe,
            var other => throw new CheckpointException(
                $"{json.File}: model_type is {(other is null ? "missing" : $"\"{other}\"")}; qwen3_next, qwen3 and qwen3_moe are supported."),
        };
        RefuseUnsupported(json);
        RefuseUnsupportedQuantization(json);
        var layers = json.Int("num_hidden_layers", 1, MaxLayers);
        var headDim = json.Int("head_dim", 2, MaxHeadDim, type == ModelType.Qwen3Next ? 256 : 128);
        var maxPositions = json.Int("max_position_embeddings", 1, 1 << 26, 32768);
        var config = new Qwen3NextConfig
        {
            Type = type,
            VocabularySize = json.Int("vocab_size", 1, 1 << 24),
            HiddenSize = json.Int("hidden_size", 1, MaxWidth),
            QueryHeads = json.Int("num_attention_heads", 1, MaxHeads),
            KvHeads = json.Int("num_key_value_heads", 1, MaxHeads),
            HeadDim = headDim,
            Rope = RopeReader.Read(json, headDim, maxPositions, type == ModelType.Qwen3Next ? 0.25 : 1),
            MaxPositions = maxPositions,
            NormEpsilon = json.Number("rms_norm_eps", 0, 1, 1e-6),
            Tied = json.Flag("tie_word_embeddings", false),
            FullAttention = type == ModelType.Qwen3Next ? ReadLayerKinds(json, layers) : [.. Enumerable.Repeat(true, layers)],
            Moe = new bool[layers],
            EosTokens = json.Ints("eos_token_id", 0, int.MaxValue),
        };
        RequireMultiple(json, "num_attention_heads", config.QueryHeads, "num_key_value_heads", config.KvHeads);
        if (type == ModelType.Qwen3Next) config = WithDeltaNet(config, json);
        return WithFeedForward(config, json);
    }

    private static void RefuseUnsupported(JsonSection json)
    {
        json.Require("hidden_act", json.Text("hidden_act") ?? "silu", "silu");
        json.Require("attention_bias", json.Flag("attention_bias", false), false);
        json.Require("use_sliding_window", json.Flag("use_sliding_window", false), false);
        json.Require("attn_output_gate", json.Flag("attn_output_gate", true), true);
        json.Require("layer_scale", json.Flag("layer_scale", false), false);
        json.Require("output_gate_type", json.Text("output_gate_type") ?? "silu", "silu");
    }

    private static bool[] ReadLayerKinds(JsonSection json, int layers)
    {
        if (!json.TryGet("layer_types", out var types))
        {
            var interval = json.Int("full_attention_interval", 1, MaxLayers, 4);
            return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % interval == 0)];
        }
        if (types.ValueKind != JsonValueKind.Array || types.GetArrayLength() != layers)
            throw json.Bad("layer_types", types, $"a list of num_hidden_layers = {layers} names");
        return [.. types.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String ? t.GetString() : t.GetRawText()).Select(name => name switch
        {
            "full_attention" => true,
            "linear_attention" => false,
            _ => throw new CheckpointException($"{json.File}: layer_types holds {name}; full_attention and linear_attention are supported."),
        })];
    }

    private static Qwen3NextConfig WithDeltaNet(Qwen3NextConfig config, JsonSection json)
    {
        config = config with
        {
            KeyHeads = json.Int("linear_num_key_heads", 1, MaxHeads),
            ValueHeads = json.Int("linear_num_value_heads", 1, MaxHeads),
            KeyHeadDim = json.Int("linear_key_head_dim", 1, MaxHeadDim),
            ValueHeadDim = json.Int("linear_value_head_dim", 1, MaxHeadDim),
            ConvKernel = json.Int("linear_conv_kernel_dim", 1, 64),
        };
        RequireMultiple(json, "linear_num_value_heads", config.ValueHeads, "linear_num_key_heads", config.KeyHeads);
        return config;
    }

    private static Qwen3NextConfig WithFeedForward(Qwen3NextConfig config, JsonSection json)
    {
        var count = json.TryGet("num_experts", out _) ? "num_experts" : "num_local_experts";
        var experts = config.Type == ModelType.Qwen3 ? 0 : json.Int(count, 0, MaxExperts);
        var moe = new bool[config.Layers];
        if (experts > 0)
        {
            var step = json.Int("decoder_sparse_step", 1, MaxLayers, 1);
            var dense = json.Ints("mlp_only_layers", 0, config.Layers - 1);
            for (var i = 0; i < moe.Length; i++) moe[i] = (i + 1) % step == 0 && !dense.Contains(i);
        }
        var sparse = moe.Contains(true);
        return config with
        {
            Moe = moe,
            MlpWidth = moe.Contains(false) ? json.Int("intermediate_size", 1, MaxWidth) : 0,
            Experts = sparse ? experts : 0,
            ActiveExperts = sparse ? json.Int("num_experts_per_tok", 1, experts) : 0,
            ExpertWidth = sparse ? json.Int("moe_intermediate_size", 1, MaxWidth) : 0,
            SharedExpertWidth = sparse && config.Type == ModelType.Qwen3Next ? json.Int("shared_expert_intermediate_size", 0, MaxWidth) : 0,
            NormTopK = json.Flag("norm_topk_prob", config.Type == ModelType.Qwen3Next),
        };
    }

    private static void RefuseUnsupportedQuantization(JsonSection json)
    {
        if (json.Object("quantization_config") is not { } quantization) return;
        quantization.Require("quant_method", quantization.Text("quant_method"), "fp8");
        quantization.Require("fmt", quantization.Text("fmt") ?? "e4m3", "e4m3");
        quantization.Require("activation_scheme", quantization.Text("activation_scheme") ?? "dynamic", "dynamic");
        quantization.Require("weight_block_size", string.Join(" x ", quantization.Ints("weight_block_size", 1, MaxWidth)), "128 x 128");
    }

    private static void RequireMultiple(JsonSection json, string name, int value, string divisorName, int divisor)
    {
        if (value % divisor != 0)
            throw new CheckpointException($"{json.File}: {name} is {value}; it must be a multiple of {divisorName}, which is {divisor}.");
    }
}
