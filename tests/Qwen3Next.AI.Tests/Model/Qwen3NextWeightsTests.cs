using System.Runtime.InteropServices;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tests.Weights;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

public sealed unsafe class Qwen3NextWeightsTests : IDisposable
{
    private const string Layer0 = "model.layers.0.", Gdn0 = Layer0 + "linear_attn.", Experts0 = Layer0 + "mlp.experts.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("next-tiny", true)]
    [InlineData("next-tiny-fp8", true)]
    [InlineData("next-yarn", false)]
    [InlineData("qwen3-dense-tiny", false)]
    [InlineData("qwen3-moe-tiny", false)]
    public void Load_ReferenceCheckpoint_BindsEveryTensor(string name, bool mtp)
    {
        var log = new ListLogger();
        using var weights = Load(Golden.Path(name), log);
        Assert.Equal(mtp, weights.Mtp is not null);
        Assert.Empty(log.Messages);
        Assert.All(weights.Layers, (layer, i) =>
        {
            Assert.Equal(weights.Config.IsFullAttention(i), layer.Attention is not null);
            Assert.Equal(weights.Config.IsFullAttention(i), layer.DeltaNet is null);
            Assert.Equal(weights.Config.UsesMoe(i), layer.Moe is not null);
            Assert.Equal(weights.Config.UsesMoe(i), layer.Mlp is null);
        });
    }

    [Fact]
    public void Load_SmallTensors_AreConverted()
    {
        var stored = CheckpointBuilder.From("next-yarn");
        using var weights = Load(stored.Save(_folder));
        float[] Stored(string name) =>
            Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(stored.Tensors[name].Data).ToArray(), TensorConvert.BFloat16ToSingle);
        var layer = weights.Layers[0];
        Assert.Equal(Stored(Layer0 + "input_layernorm.weight").Select(w => 1 + w), layer.InputNorm.AsSpan().ToArray());
        Assert.Equal(Stored("model.norm.weight").Select(w => 1 + w), weights.FinalNorm.AsSpan().ToArray());
        Assert.Equal(Stored(Gdn0 + "norm.weight"), layer.DeltaNet!.Norm.AsSpan().ToArray());
        Assert.Equal(Stored(Gdn0 + "dt_bias"), layer.DeltaNet.DtBias.AsSpan().ToArray());
        Assert.Equal(new Shape(4, 128), layer.DeltaNet.Conv.Shape);
        Assert.All(Stored(Gdn0 + "conv1d.weight"), (w, i) => Assert.Equal(w, layer.DeltaNet.Conv.F32[i % 4 * 128 + i / 4]));
        Assert.All(Stored(Gdn0 + "A_log"), (a, i) => Assert.Equal(-Math.Exp(a), layer.DeltaNet.NegExpA.F32[i], 1e-6 * Math.Exp(a)));
        Assert.Equal(Stored(Layer0 + "mlp.shared_expert_gate.weight"), layer.Moe!.SharedGate.AsSpan().ToArray());
        Assert.Equal(Stored("model.layers.3.self_attn.k_norm.weight").Select(w => 1 + w), weights.Layers[3].Attention!.KeyNorm.AsSpan().ToArray());
    }

    [Fact]
    public void Load_PlainNorms_StayAsStored()
    {
        using var stored = CheckpointReader.Open(Golden.Path("qwen3-dense-tiny"));
        using var weights = Load(Golden.Path("qwen3-dense-tiny"));
        Assert.True(stored.TryGet("model.norm.weight", out var norm));
        var values = new float[norm.Shape[0]];
        TensorConvert.ToSingle(norm, values);
        Assert.Equal(values, weights.FinalNorm.AsSpan().ToArray());
        Assert.Equal(weights.Embedding, weights.Head.Weight);
    }

    [Theory]
    [InlineData("BF16")]
    [InlineData("F16")]
    [InlineData("F32")]
    public void Load_DecayInAnyFloat_IsTheSame(string type)
    {
        var builder = CheckpointBuilder.From("next-yarn");
        float[] values = [0.5f, -1.25f]; // exact in all three
        if (type == "F32") builder.Set(Gdn0 + "A_log", type, [2], values);
        else if (type == "F16") builder.Set(Gdn0 + "A_log", type, [2], Array.ConvertAll(values, v => (Half)v));
        else builder.Set(Gdn0 + "A_log", type, [2], Array.ConvertAll(values, TensorConvert.SingleToBFloat16));
        using var weights = Load(builder.Save(_folder));
        Assert.Equal([-MathF.Exp(0.5f), -MathF.Exp(-1.25f)], weights.Layers[0].DeltaNet!.NegExpA.AsSpan().ToArray());
    }

    [Fact]
    public void Load_FusedExperts_AreTheSeparateOnes()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        using var separateFolder = new TemporaryFolder();
        using var separate = Load(builder.Save(separateFolder));
        byte[] gateUp = [], down = [];
        for (var e = 0; e < 8; e++)
        {
            gateUp = [.. gateUp, .. builder.Take($"{Experts0}{e}.gate_proj.weight").Data, .. builder.Take($"{Experts0}{e}.up_proj.weight").Data];
            down = [.. down, .. builder.Take($"{Experts0}{e}.down_proj.weight").Data];
        }
        builder.Tensors[Experts0 + "gate_up_proj"] = ("BF16", [8, 64, 64], gateUp);
        builder.Tensors[Experts0 + "down_proj"] = ("BF16", [8, 64, 32], down);
        using var fused = Load(builder.Save(_folder));
        foreach (var (a, b) in separate.Layers[0].Moe!.Experts.Zip(fused.Layers[0].Moe!.Experts))
        {
            Assert.True(Bytes(a.Gate.Weight).SequenceEqual(Bytes(b.Gate.Weight)) && a.Gate.Weight.Shape == b.Gate.Weight.Shape);
            Assert.True(Bytes(a.Up.Weight).SequenceEqual(Bytes(b.Up.Weight)) && a.Up.Weight.Shape == b.Up.Weight.Shape);
            Assert.True(Bytes(a.Down.Weight).SequenceEqual(Bytes(b.Down.Weight)) && a.Down.Weight.Shape == b.Down.Weight.Shape);
        }
        Assert.Equal(separate.Bytes, fused.Bytes);
    }

    [Fact]
    public void Load_OtherSpellings_AreTheSameModel()
    {
        var builder = CheckpointBuilder.From("next-tiny");
        builder.Rename(n => n.StartsWith("mtp.", StringComparison.Ordinal) ? "model." + n : n);
        using (var weights = Load(builder.Save(_folder))) Assert.NotNull(weights.Mtp);

        builder.Rename(n => n.StartsWith("model.", StringComparison.Ordinal) ? n["model.".Length..] : n);
        builder.Take("lm_head.weight");
        using var bare = Load(builder.Save(_folder));
        Assert.NotNull(bare.Mtp);
        Assert.True(bare.Head.Weight.IsEmpty);
    }

    [Fact]
    public void Load_UnknownTensors_AreLoggedInOneMessage()
    {
        var builder = CheckpointBuilder.From("next-yarn");
        for (var i = 0; i < 12; i++) builder.Set($"extra.{i:00}", "I64", [1], [1L]);
        var log = new ListLogger();
        Load(builder.Save(_folder), log).Dispose();
        var message = Assert.Single(log.Messages);
        Assert.Contains("12 tensors", message, StringComparison.Ordinal);
        Assert.Contains("extra.00", message, StringComparison.Ordinal);
        Assert.DoesNotContain("extra.11", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Progress_EndsAtTheWeightsSize()
    {
        var reports = new List<Qwen3NextLoadProgress>();
        using var weights = Qwen3NextWeights.Load(Config("next-tiny"), CheckpointReader.Open(Golden.Path("next-tiny")), null, new Progress(reports));
        Assert.Equal(new Qwen3NextLoadProgress(weights.Bytes, weights.Bytes), reports[^1]);
    }

    [Fact]
    public void Load_Cancelled_Throws() => Assert.Throws<OperationCanceledException>(() =>
        Qwen3NextWeights.Load(Config("next-tiny"), CheckpointReader.Open(Golden.Path("next-tiny")), null, null, new CancellationToken(true)));

    private static ReadOnlySpan<byte> Bytes(Tensor tensor) => new((void*)tensor.Address, (int)tensor.Bytes);

    private static Qwen3NextConfig Config(string golden) => Qwen3NextConfig.Load(Golden.Path(golden));

    private static Qwen3NextWeights Load(string folder, ListLogger? log = null) =>
        Qwen3NextWeights.Load(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder), log);

    private sealed class Progress(List<Qwen3NextLoadProgress> reports) : IProgress<Qwen3NextLoadProgress>
    {
        public void Report(Qwen3NextLoadProgress value) => reports.Add(value);
    }
}
