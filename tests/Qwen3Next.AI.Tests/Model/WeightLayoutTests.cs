using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops.Linear;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Tests.Weights;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>Row order of the DeltaNet projections against the element-wise rule of the specification, section 2.2.</summary>
public sealed unsafe class WeightLayoutTests : IDisposable
{
    private const string Gdn1 = "model.layers.1.linear_attn.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("next-tiny", 1, 2)]
    [InlineData("next-yarn", 2, 2)]
    [InlineData("next-yarn", 2, 6)]
    [InlineData("next-yarn", 3, 3)]
    public void Load_Bf16Projections_PutEachRowWhereTheSpecificationSays(string golden, int keyHeads, int valueHeads)
    {
        var builder = CheckpointBuilder.From(golden);
        SetHeads(builder, keyHeads, valueHeads);
        using var weights = Load(builder);
        var (c, layer) = (weights.Config, weights.Layers[1].DeltaNet!);
        for (var row = 0; row < 2 * (keyHeads * c.KeyHeadDim + valueHeads * c.ValueHeadDim); row++)
            Assert.True(StoredRow(builder, "in_proj_qkvz.weight", c, row).SequenceEqual(Row(layer.Qkvz.Weight, Target(c, row))), $"qkvz row {row}");
        for (var row = 0; row < 2 * valueHeads; row++)
        {
            int r = valueHeads / keyHeads, g = row / (2 * r), o = row % (2 * r);
            var target = o < r ? r * g + o : valueHeads + r * g + o - r;
            Assert.True(StoredRow(builder, "in_proj_ba.weight", c, row).SequenceEqual(Row(layer.BetaDecay.Weight, target)), $"ba row {row}");
        }
    }

    [Theory]
    [InlineData("next-tiny-fp8", 1, 2, true, "F32")] // head parts are whole blocks: codes and scales move
    [InlineData("next-tiny-fp8", 2, 4, true, "BF16")]
    [InlineData("next-yarn", 2, 4, false, "F32")] // parts of 32 rows share blocks
    public void Load_Fp8Projection_DecodesToTheSameRows(string golden, int keyHeads, int valueHeads, bool staysFloat8, string scaleType)
    {
        var builder = CheckpointBuilder.From(golden);
        SetHeads(builder, keyHeads, valueHeads);
        var (rows, columns) = SetFloat8Projection(builder, scaleType);
        using var weights = Load(builder);
        var qkvz = weights.Layers[1].DeltaNet!.Qkvz;
        Assert.Equal(staysFloat8 ? DType.F8E4M3 : DType.F32, qkvz.Weight.Type);
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                Assert.Equal(Code(row, column) * Scale(row / 128, column / 128), Value(qkvz, Target(weights.Config, row), column));
    }

    private static int Target(Qwen3NextConfig c, int row)
    {
        int dk = c.KeyHeadDim, dv = c.ValueHeadDim, r = c.ValueHeads / c.KeyHeads;
        int group = 2 * dk + 2 * r * dv, g = row / group, o = row % group;
        int keys = c.KeyHeads * dk, values = 2 * keys, gates = values + c.ValueHeads * dv;
        if (o < dk) return g * dk + o;
        if (o < 2 * dk) return keys + g * dk + (o - dk);
        var (start, p) = o < 2 * dk + r * dv ? (values, o - 2 * dk) : (gates, o - 2 * dk - r * dv);
        return start + (r * g + p / dv) * dv + p % dv;
    }

    /// <summary>Reshapes the DeltaNet layers of a checkpoint to other head counts, with distinct values everywhere.</summary>
    private static void SetHeads(CheckpointBuilder builder, int keyHeads, int valueHeads)
    {
        builder.Config["linear_num_key_heads"] = keyHeads;
        builder.Config["linear_num_value_heads"] = valueHeads;
        int Field(string name) => (int)builder.Config[name]!;
        int dk = Field("linear_key_head_dim"), dv = Field("linear_value_head_dim"), d = Field("hidden_size");
        for (var i = 0; i < 3; i++)
        {
            var prefix = $"model.layers.{i}.linear_attn.";
            void Set(string name, params long[] shape)
            {
                builder.Tensors.Remove(prefix + name + "_scale_inv");
                var count = (int)shape.Aggregate((a, b) => a * b);
                builder.Set(prefix + name, "BF16", shape, [.. Enumerable.Range(0, count).Select(n => (ushort)(n * 7919 % 0x7F00))]);
            }
            Set("in_proj_qkvz.weight", 2 * (keyHeads * dk + valueHeads * dv), d);
            Set("in_proj_ba.weight", 2 * valueHeads, d);
            Set("conv1d.weight", 2 * keyHeads * dk + valueHeads * dv, 1, 4);
            Set("A_log", valueHeads);
            Set("dt_bias", valueHeads);
            Set("out_proj.weight", d, valueHeads * dv);
        }
    }

    private static (int Rows, int Columns) SetFloat8Projection(CheckpointBuilder builder, string scaleType)
    {
        const string name = Gdn1 + "in_proj_qkvz.weight";
        int rows = (int)builder.Tensors[name].Shape[0], columns = (int)builder.Tensors[name].Shape[1];
        int blocks = (rows + 127) / 128, blockColumns = (columns + 127) / 128;
        // Codes 0x38 to 0x3F are 1, 1.125, ... 1.875.
        var codes = Enumerable.Range(0, rows * columns).Select(i => (byte)(0x38 + Eighths(i / columns, i % columns)));
        builder.Set(name, "F8_E4M3", [rows, columns], codes.ToArray());
        var scales = Enumerable.Range(0, blocks * blockColumns).Select(i => Scale(i / blockColumns, i % blockColumns)).ToArray();
        if (scaleType == "F32") builder.Set(name + "_scale_inv", "F32", [blocks, blockColumns], scales);
        else builder.Set(name + "_scale_inv", "BF16", [blocks, blockColumns], Array.ConvertAll(scales, TensorConvert.SingleToBFloat16));
        return (rows, columns);
    }

    private static int Eighths(int row, int column) => (row * 5 + row / 7 + column * 3) % 8;

    private static float Code(int row, int column) => 1 + Eighths(row, column) / 8f;

    private static float Scale(int blockRow, int blockColumn) => 0.25f + blockRow * 0.5f + blockColumn * 0.125f; // exact in BF16

    private static float Value(LinearWeight weight, int row, int column)
    {
        var index = (long)row * weight.In + column;
        return weight.Weight.Type == DType.F32 ? weight.Weight.F32[index]
            : (1 + (((byte*)weight.Weight.Address)[index] - 0x38) / 8f) * weight.Scales.F32[row / 128 * weight.Scales.Shape[1] + column / 128];
    }

    private static ReadOnlySpan<byte> Row(Tensor matrix, int row)
    {
        var slice = matrix.Rows(row, 1);
        return new ReadOnlySpan<byte>((void*)slice.Address, (int)slice.Bytes);
    }

    private static ReadOnlySpan<byte> StoredRow(CheckpointBuilder builder, string name, Qwen3NextConfig c, int row) =>
        builder.Tensors[Gdn1 + name].Data.AsSpan(row * c.HiddenSize * 2, c.HiddenSize * 2);

    private Qwen3NextWeights Load(CheckpointBuilder builder)
    {
        var folder = builder.Save(_folder);
        return Qwen3NextWeights.Load(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder));
    }
}
