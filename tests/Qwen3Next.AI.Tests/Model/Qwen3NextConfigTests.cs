using System.Text.Json.Nodes;
using Qwen3Next.AI.Model;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

public sealed class Qwen3NextConfigTests : IDisposable
{
    /// <summary>The published 80B file as transformers 4.57 wrote it.</summary>
    private const string Published = """
        {
        "architectures":["Qwen3NextForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,
        "decoder_sparse_step":1,"eos_token_id":151645,"full_attention_interval":4,"head_dim":256,"hidden_act":"silu",
        "hidden_size":2048,"initializer_range":0.02,"intermediate_size":5120,"linear_conv_kernel_dim":4,"linear_key_head_dim":128,
        "linear_num_key_heads":16,"linear_num_value_heads":32,"linear_value_head_dim":128,"max_position_embeddings":262144,
        "mlp_only_layers":[],"model_type":"qwen3_next","moe_intermediate_size":512,"norm_topk_prob":true,"num_attention_heads":16,
        "num_experts":512,"num_experts_per_tok":10,"num_hidden_layers":48,"num_key_value_heads":2,"output_router_logits":false,
        "partial_rotary_factor":0.25,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":10000000,"router_aux_loss_coef":0.001,
        "shared_expert_intermediate_size":512,"tie_word_embeddings":false,"torch_dtype":"bfloat16",
        "transformers_version":"4.57.0.dev0","use_cache":true,"use_sliding_window":false,"vocab_size":151936
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_PublishedFile_IsTheKnownShape()
    {
        var config = Load(_ => { });
        AssertSame(PublishedModels.Get("qwen3-next-80b-a3b"), config);
        Assert.Equal([3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47], Enumerable.Range(0, 48).Where(config.IsFullAttention));
        Assert.Equal((64, 8192), (config.RotaryDim, config.ConvChannels));
    }

    [Fact]
    public void Load_NewerLayout_IsTheSameModel()
    {
        var config = Load(c =>
        {
            string[] gone = ["rope_theta", "partial_rotary_factor", "rope_scaling", "full_attention_interval", "torch_dtype"];
            foreach (var name in gone) c.Remove(name);
            c["dtype"] = "bfloat16";
            c["pad_token_id"] = null;
            c["rope_parameters"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = 10000000, ["partial_rotary_factor"] = 0.25 };
            c["layer_types"] = Repeat(i => i % 4 == 3 ? "full_attention" : "linear_attention");
            c["num_local_experts"] = c["num_experts"]!.DeepClone();
            c.Remove("num_experts");
        });
        AssertSame(PublishedModels.Get("qwen3-next-80b-a3b"), config);
    }

    [Fact]
    public void Load_YarnInEitherLayout_KeepsFactorAndOverridesTopLevel()
    {
        var old = Load(c => c["rope_scaling"] = JsonNode.Parse("""{"type":"yarn","factor":4.0,"original_max_position_embeddings":262144}"""));
        Assert.Equal(new YarnConfig(4, 262144, (float)(0.1 * Math.Log(4) + 1), 32, 1, true), old.Rope.Yarn);
        var five = Load(c => c["rope_parameters"] = JsonNode.Parse("""
            {"rope_type":"yarn","rope_theta":5e6,"original_max_position_embeddings":65536,"attention_factor":1.5,"truncate":false}
            """));
        Assert.Equal((5e6, new YarnConfig(4, 65536, 1.5f, 32, 1, false)), (five.Rope.Theta, five.Rope.Yarn!)); // factor absent: 262144 / 65536
        var scaled = Load(c => c["rope_scaling"] = JsonNode.Parse("""{"type":"yarn","factor":4.0,"mscale":2.0,"mscale_all_dim":1.0}"""));
        Assert.Equal((0.2 * Math.Log(4) + 1) / (0.1 * Math.Log(4) + 1), scaled.Rope.AttentionFactor, 1e-6);
    }

    [Fact]
    public void Load_DenseLayers_FollowStepAndList()
    {
        var config = Load(c => (c["decoder_sparse_step"], c["mlp_only_layers"]) = (2, new JsonArray(1, 5)));
        Assert.Equal(Enumerable.Range(0, 48).Where(i => i % 2 == 1 && i != 1 && i != 5), Enumerable.Range(0, 48).Where(config.UsesMoe));
        Assert.Equal(5120, config.MlpWidth);
    }

    [Theory]
    [InlineData("qwen3-dense-tiny", "qwen3", 0, true)]
    [InlineData("qwen3-moe-tiny", "qwen3_moe", 8, false)]
    public void Load_Siblings_HaveNoGateAndPlainNorms(string name, string architecture, int experts, bool tied)
    {
        var config = Qwen3NextConfig.Load(Golden.Path(name));
        Assert.Equal((architecture, experts, tied), (config.Architecture, config.Experts, config.Tied));
        Assert.False(config.HasOutputGate || config.ZeroCentredNorm || config.SharedExpertWidth > 0);
        Assert.Equal(128, config.RotaryDim);
        Assert.All(config.FullAttention, Assert.True);
    }

    [Theory]
    [InlineData("model_type", "\"llama\"", "qwen3_moe")]
    [InlineData("model_type", "null", "missing")]
    [InlineData("hidden_act", "\"gelu\"", "silu")]
    [InlineData("attention_bias", "true", "false")]
    [InlineData("attention_bias", "1", "true or false")]
    [InlineData("use_sliding_window", "true", "false")]
    [InlineData("attn_output_gate", "false", "true")]
    [InlineData("layer_scale", "true", "false")]
    [InlineData("output_gate_type", "\"sigmoid\"", "silu")]
    [InlineData("hidden_size", "0", "1 to 1048576")]
    [InlineData("hidden_size", "-2048", "1 to 1048576")]
    [InlineData("hidden_size", "2048.5", "whole number")]
    [InlineData("hidden_size", "\"2048\"", "whole number")]
    [InlineData("hidden_size", "null", "missing")]
    [InlineData("vocab_size", "1e30", "1 to 16777216")]
    [InlineData("num_hidden_layers", "2147483647", "1 to 4096")]
    [InlineData("num_key_value_heads", "3", "multiple of num_key_value_heads, which is 3")]
    [InlineData("linear_num_value_heads", "24", "multiple of linear_num_key_heads, which is 16")]
    [InlineData("num_experts_per_tok", "513", "1 to 512")]
    [InlineData("rms_norm_eps", "0", "above 0")]
    [InlineData("rope_theta", "\"x\"", "number above 1")]
    [InlineData("partial_rotary_factor", "1.5", "at most 1")]
    [InlineData("partial_rotary_factor", "0.02", "even number")]
    [InlineData("rope_scaling", "{\"rope_type\":\"linear\",\"factor\":2}", "default and yarn")]
    [InlineData("rope_scaling", "[1]", "an object")]
    [InlineData("layer_types", "[\"full_attention\"]", "48")]
    [InlineData("mlp_only_layers", "[48]", "0 to 47")]
    [InlineData("eos_token_id", "[1,-2]", "whole numbers")]
    [InlineData("quantization_config", "{\"quant_method\":\"awq\",\"bits\":4}", "fp8")]
    [InlineData("quantization_config", "{\"quant_method\":\"fp8\",\"weight_block_size\":[64,64]}", "128 x 128")]
    [InlineData("quantization_config", "{\"quant_method\":\"fp8\"}", "weight_block_size")]
    [InlineData("quantization_config", "{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128],\"activation_scheme\":\"static\"}", "dynamic")]
    public void Load_UnusableValue_NamesFileFieldAndRange(string field, string value, string expected)
    {
        var message = Assert.Throws<CheckpointException>(() => Load(c => c[field] = JsonNode.Parse(value))).Message;
        Assert.Contains(_folder.File("config.json"), message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(field, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SlidingLayerType_IsRefusedByName()
    {
        var error = Assert.Throws<CheckpointException>(() => Load(c => c["layer_types"] = Repeat(_ => "sliding_attention")));
        Assert.Contains("sliding_attention", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_RandomlyDamagedFile_IsRefusedOrInRange()
    {
        var good = System.Text.Encoding.UTF8.GetBytes(Published);
        var random = new Random(11);
        var refused = 0;
        for (var i = 0; i < 1000; i++)
        {
            var bytes = good.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(32, 127);
            File.WriteAllBytes(_folder.File("config.json"), bytes);
            try
            {
                var config = Qwen3NextConfig.Load(_folder.Path);
                Assert.True(config.HiddenSize > 0 && config.ConvChannels > 0 && config.QueryHeads % config.KvHeads == 0);
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 300, 990);
    }

    [Fact]
    public void WithLayers_Subset_KeepsTheirKinds()
    {
        var config = PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(2, 3);
        Assert.Equal([false, true], config.FullAttention);
        Assert.Equal([true, true], config.Moe);
    }

    [Fact]
    public void Get_UnknownShape_NamesTheKnownOnes() =>
        Assert.Contains("qwen3-32b", Assert.Throws<ArgumentException>(() => PublishedModels.Get("x")).Message, StringComparison.Ordinal);

    private static JsonArray Repeat(Func<int, string> layerType) => new([.. Enumerable.Range(0, 48).Select(i => (JsonNode)layerType(i))]);

    private Qwen3NextConfig Load(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(Published)!.AsObject();
        change(json);
        File.WriteAllText(_folder.File("config.json"), json.ToJsonString());
        return Qwen3NextConfig.Load(_folder.Path);
    }

    /// <summary>Lists compare by content here, which record equality does not; the dense width is read only where a dense layer uses it.</summary>
    private static void AssertSame(Qwen3NextConfig expected, Qwen3NextConfig actual)
    {
        Assert.Equal(expected.FullAttention, actual.FullAttention);
        Assert.Equal(expected.Moe, actual.Moe);
        Assert.Equal(expected.EosTokens, actual.EosTokens);
        Assert.Equal(expected, actual with { FullAttention = expected.FullAttention, Moe = expected.Moe, EosTokens = expected.EosTokens });
    }
}
