using Qwen3Next.AI.Model;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

public sealed unsafe class Qwen3NextWeightsTests
{
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
    public void Load_QkvzAndBa_RowsFollowTheSpecification()
    {
        var folder = Golden.Path("next-tiny");
        using var weights = Load(folder);
        using var stored = CheckpointReader.Open(folder);
        var c = weights.Config;
        int dk = c.KeyHeadDim, dv = c.ValueHeadDim, r = c.ValueHeads / c.KeyHeads, group = 2 * dk + 2 * r * dv, d = c.HiddenSize;
        Assert.True(stored.TryGet("model.layers.1.linear_attn.in_proj_qkvz.weight", out var qkvz));
        Assert.True(stored.TryGet("model.layers.1.linear_attn.in_proj_ba.weight", out var ba));
        for (var row = 0; row < group * c.KeyHeads; row++)
        {
            int g = row / group, o = row % group, values = c.KeyHeads * dk * 2;
            var target = o < dk ? g * dk + o
                : o < 2 * dk ? c.KeyHeads * dk + g * dk + o - dk
                : o < 2 * dk + r * dv ? values + (r * g + (o - 2 * dk) / dv) * dv + (o - 2 * dk) % dv
                : values + c.ValueHeads * dv + (r * g + (o - 2 * dk - r * dv) / dv) * dv + (o - 2 * dk - r * dv) % dv;
            Assert.True(Row(qkvz, row).SequenceEqual(Row(weights.Layers[1].DeltaNet!.Qkvz.Weight, target)), $"row {row}");
        }
        for (var row = 0; row < 2 * c.ValueHeads; row++)
        {
            int g = row / (2 * r), o = row % (2 * r);
            var target = o < r ? r * g + o : c.ValueHeads + r * g + o - r;
            Assert.True(Row(ba, row).SequenceEqual(Row(weights.Layers[1].DeltaNet!.BetaDecay.Weight, target)), $"row {row}");
        }
    }

    private static ReadOnlySpan<byte> Row(Tensor matrix, int row)
    {
        var slice = matrix.Rows(row, 1);
        return new ReadOnlySpan<byte>((void*)slice.Address, (int)slice.Bytes);
    }

    private static Qwen3NextWeights Load(string folder, ListLogger? log = null) =>
        Qwen3NextWeights.Load(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder), log);
}
