using Qwen3Next.AI.Model;
using Qwen3Next.AI.Tests.Weights;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>A checkpoint that contradicts its configuration is refused in one error that names file, tensor, expected and found.</summary>
public sealed class WeightErrorTests : IDisposable
{
    private const string Query = "model.layers.3.self_attn.q_proj.weight", Router = "model.layers.2.mlp.gate.weight";
    private const string Expert = "model.layers.1.mlp.experts.5.up_proj.weight";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Query)]
    [InlineData(Expert)]
    [InlineData("model.layers.0.linear_attn.A_log")]
    [InlineData("model.norm.weight")]
    [InlineData("lm_head.weight")]
    public void Load_MissingTensor_NamesIt(string name)
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Take(name);
        AssertRefused(builder, _folder.Path, name, "is missing");
    }

    [Theory]
    [InlineData("mtp.fc.weight")]
    [InlineData("mtp.layers.0.self_attn.k_proj.weight")]
    public void Load_IncompleteMtp_NamesWhatIsMissing(string name)
    {
        var builder = CheckpointBuilder.From("next-tiny");
        builder.Take(name);
        AssertRefused(builder, name, "is missing");
    }

    [Fact]
    public void Load_NoOutputGate_ShowsBothShapes()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Set(Query, "BF16", [128, 64], new ushort[128 * 64]);
        AssertRefused(builder, _folder.File("model.safetensors"), Query, "[128, 64]", "[256, 64]");
    }

    [Theory]
    [InlineData("vocab_size", 257, "model.embed_tokens.weight")]
    [InlineData("num_experts", 9, "mlp.gate.weight")]
    [InlineData("moe_intermediate_size", 16, "experts.0.gate_proj.weight")]
    [InlineData("linear_value_head_dim", 16, "in_proj_qkvz.weight")]
    [InlineData("linear_conv_kernel_dim", 3, "conv1d.weight")]
    [InlineData("hidden_size", 1048576, "model.embed_tokens.weight")]
    public void Load_ConfigurationOfAnotherModel_NamesTheFirstTensorThatDisagrees(string field, int value, string tensor)
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Config[field] = value;
        AssertRefused(builder, tensor, "config.json makes it");
    }

    [Fact]
    public void Load_MoreLayersThanStored_NamesTheFirstMissing()
    {
        var builder = CheckpointBuilder.From("qwen3-dense-tiny");
        builder.Config["num_hidden_layers"] = 3;
        builder.Config.Remove("layer_types");
        AssertRefused(builder, "model.layers.2.", "is missing");
    }

    [Fact]
    public void Load_FloatEightWhereItIsTooCoarse_IsRefused()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Set(Router, "F8_E4M3", [8, 64], new byte[8 * 64]);
        AssertRefused(builder, Router, "F8_E4M3");
    }

    [Fact]
    public void Load_FloatEightWithoutScales_NamesTheScales()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Set(Expert, "F8_E4M3", [32, 64], new byte[32 * 64]);
        AssertRefused(builder, Expert + "_scale_inv [1, 1]", "is missing");
    }

    [Fact]
    public void Load_ScalesOfOtherBlocks_ShowsBothShapes()
    {
        var builder = CheckpointBuilder.From("next-tiny-fp8");
        builder.Set(Query + "_scale_inv", "F32", [16, 2], new float[32]);
        AssertRefused(builder, Query + "_scale_inv", "[16, 2]", "[8, 1]");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(200f)]
    public void Load_ScaleThatCannotBe_NamesTensorAndValue(float scale)
    {
        var builder = CheckpointBuilder.From("next-tiny-fp8");
        builder.Set(Query + "_scale_inv", "F32", [8, 1], new float[] { 0.01f, 0.01f, scale, 0.01f, 0.01f, 0.01f, 0.01f, 0.01f });
        AssertRefused(builder, Query + "_scale_inv", scale.ToString(System.Globalization.CultureInfo.CurrentCulture), "damaged");
    }

    [Theory]
    [InlineData(60, 32, "hidden_size")]
    [InlineData(64, 30, "moe_intermediate_size")]
    public void CheckWidths_NotInEights_NamesFieldAndValue(int hidden, int expert, string field)
    {
        var config = Qwen3NextConfig.Load(Golden.Path("next-yarn")) with { HiddenSize = hidden, ExpertWidth = expert };
        Assert.Contains(field, Assert.Throws<CheckpointException>(() => Qwen3NextModel.CheckWidths(config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_IntegerWeights_NamesTheType()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        builder.Set(Query, "I32", [256, 64], new int[256 * 64]);
        AssertRefused(builder, Query, "I32");
    }

    [Fact]
    public void Load_SameWeightUnderTwoNames_IsRefused()
    {
        var builder = CheckpointBuilder.From("next-tiny");
        builder.Tensors["model.mtp.norm.weight"] = builder.Tensors["mtp.norm.weight"];
        AssertRefused(builder, "model.mtp.norm.weight", "same weight");
    }

    [Fact]
    public void Load_TruncatedFile_IsRefused()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        var file = Path.Combine(builder.Save(_folder), "model.safetensors");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^1]);
        Assert.Contains("truncated", Assert.Throws<CheckpointException>(() => CheckpointReader.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Refused_ReleasesTheCheckpoint()
    {
        using var spy = new Spy();
        Assert.Throws<CheckpointException>(() => Qwen3NextWeights.Load(Qwen3NextConfig.Load(Golden.Path("next-yarn")), spy));
        Assert.True(spy.Disposed);
    }

    private void AssertRefused(CheckpointBuilder builder, params string[] parts)
    {
        var folder = builder.Save(_folder);
        var error = Assert.Throws<CheckpointException>(() => Qwen3NextWeights.Load(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder)));
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private sealed class Spy : ICheckpoint
    {
        public bool Disposed { get; private set; }

        public string Name => "spy";

        public IReadOnlyCollection<string> TensorNames => [];

        public string FileOf(string tensor) => Name;

        public bool TryGet(string name, out Qwen3Next.AI.Tensors.Tensor tensor)
        {
            tensor = default;
            return false;
        }

        public void Dispose() => Disposed = true;
    }
}
