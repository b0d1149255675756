using Qwen3Next.AI.Tests.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests;

public sealed class Qwen3NextCheckpointSummaryTests
{
    [Fact]
    public void Read_ReferenceCheckpoint_AccountsForEveryByte()
    {
        using var folder = new TemporaryFolder();
        var builder = CheckpointBuilder.From("next-tiny-fp8");
        builder.Set("model.layers.0.rotary_emb.inv_freq", "F32", [2], new float[2]);
        var summary = Qwen3NextCheckpointSummary.Read(builder.Save(folder));
        Assert.Equal(("qwen3_next", 1, 4), (summary.Architecture, summary.MtpLayers, summary.MoeLayers));
        Assert.Equal((12, 3), (summary.Experts, summary.ActiveExperts));
        Assert.Equal(["linear_attention", "linear_attention", "linear_attention", "full_attention"], summary.LayerTypes);
        Assert.Equal(["model.layers.0.rotary_emb.inv_freq"], summary.UnusedTensors);
        Assert.StartsWith("fp8", summary.Quantization, StringComparison.Ordinal);
        builder.Take("model.layers.0.rotary_emb.inv_freq");
        long Stored(string type) => builder.Tensors.Values.Where(t => t.Type == type).Sum(t => t.Data.LongLength);
        Assert.Equal(Stored("F8_E4M3"), summary.BytesByType["F8E4M3"]);
        Assert.Equal(Stored("BF16"), summary.BytesByType["BF16"]);
        Assert.Equal(Stored("F32"), summary.BytesByType["F32"]);
        var elements = builder.Tensors.Where(t => t.Value.Type != "F32") // scales are no parameters
            .ToLookup(t => t.Key.StartsWith("mtp.", StringComparison.Ordinal), t => t.Value.Shape.Aggregate(1L, (a, b) => a * b));
        Assert.Equal((elements[false].Sum(), elements[true].Sum()), (summary.Parameters, summary.MtpParameters));
    }

    [Fact]
    public void Read_DenseModel_HasNoExperts()
    {
        var summary = Qwen3NextCheckpointSummary.Read(Golden.Path("qwen3-dense-tiny"));
        Assert.Equal((0, 0, 0L), (summary.Experts, summary.MtpLayers, summary.MtpParameters));
        Assert.Null(summary.Quantization);
        Assert.Equal(summary.Parameters, summary.ActiveParameters); // tied: the table computes as head
    }
}
