using Qwen3Next.AI.Model;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tensors.Quantization;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Weights;

public sealed unsafe class DummyWeightsTests
{
    private static readonly Qwen3NextConfig Config = Qwen3NextConfig.Load(Golden.Path("next-yarn"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_AnyShape_GivesACompleteModel(bool float8)
    {
        using var weights = Qwen3NextWeights.Load(Config, new DummyWeights(WeightMap.Tensors(Config, mtp: true), float8));
        Assert.NotNull(weights.Mtp);
        Assert.Equal(float8 ? DType.F8E4M3 : DType.BF16, weights.Layers[3].Attention!.Query.Weight.Type);
        Assert.Equal(DType.BF16, weights.Layers[0].Moe!.Router.Weight.Type);
        Assert.Equal(DType.BF16, weights.Head.Weight.Type);
        Assert.All(weights.Layers[0].DeltaNet!.NegExpA.AsSpan().ToArray(), a => Assert.InRange(a, -16, -1));
        Assert.All(weights.Layers[0].DeltaNet!.DtBias.AsSpan().ToArray(), b => Assert.InRange(Math.Log(1 + Math.Exp(b)), 0.001, 0.1));
        Assert.All(weights.Layers[0].InputNorm.AsSpan().ToArray(), n => Assert.InRange(n, 0.9, 1.1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Create_BigMatrix_IsSpreadLikeATrainedOne(bool float8)
    {
        using var dummy = new DummyWeights([new("m", new Shape(1024, 1536), TensorRole.Matrix)], float8);
        var values = Widen(dummy, "m");
        var mean = values.Average(v => (double)v);
        var deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        Assert.InRange(mean, -1e-4, 1e-4);
        Assert.InRange(deviation, 0.0195, 0.0205);
        // Neighbours along both axes must be unrelated, or products of such matrices would not look like those of a trained model.
        Assert.InRange(values.Zip(values.Skip(1), (a, b) => (double)a * b).Average() / (deviation * deviation), -0.005, 0.005);
        Assert.InRange(values.Zip(values.Skip(1536), (a, b) => (double)a * b).Average() / (deviation * deviation), -0.005, 0.005);
    }

    [Fact]
    public void Create_Twice_DependsOnNameAndIndexAlone()
    {
        var shape = new Shape(1025, 1027); // more than one block, no multiple of eight
        TensorSpec m = new("m", shape, TensorRole.Matrix);
        using var first = new DummyWeights([new("x", new Shape(3), TensorRole.Norm), m, m with { Name = "n" }]);
        using var second = new DummyWeights([m]);
        using var shorter = new DummyWeights([new("m", new Shape(5), TensorRole.Matrix)]);
        Assert.Equal(Widen(first, "m"), Widen(second, "m"));
        Assert.Equal(Widen(second, "m").Take(5), Widen(shorter, "m"));
        Assert.NotEqual(Widen(first, "m"), Widen(first, "n"));
    }

    private static float[] Widen(DummyWeights dummy, string name)
    {
        Assert.True(dummy.TryGet(name, out var tensor));
        var values = new float[tensor.Shape.Elements];
        if (tensor.Type != DType.F8E4M3)
        {
            TensorConvert.ToSingle(tensor, values);
            return values;
        }
        Assert.True(dummy.TryGet(name + "_scale_inv", out var stored));
        using var scaleMemory = NativeBuffer.For(DType.F32, stored.Shape, out var scales);
        TensorConvert.ToSingle(stored, scales.AsSpan());
        using var memory = NativeBuffer.For(DType.F32, tensor.Shape, out var decoded);
        Float8Blocks.Decode(tensor, scales, decoded);
        return decoded.AsSpan().ToArray();
    }
}
