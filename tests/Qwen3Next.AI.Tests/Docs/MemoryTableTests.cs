using System.Globalization;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Docs;

/// <summary>What docs/deployment.md says about memory is what the library computes.</summary>
public sealed class MemoryTableTests
{
    private const string Model = "qwen3-next-80b-a3b";

    private static readonly string s_document = Documents.Read("docs/deployment.md");

    [Theory]
    [InlineData(false, "BF16")]
    [InlineData(true, "FP8")]
    public void Weights_OfThe80B_AreInTheTable(bool float8, string name)
    {
        using var cpu = new CpuBackend(1);
        var bytes = ModelSource.Dummy(Model, null, float8).Measure(cpu).Bytes;
        AssertRow(string.Create(CultureInfo.InvariantCulture, $"| weights, {name} | {bytes / 1e9:0.0} GB |"));
    }

    [Fact]
    public void CachesAndStates_OfThe80B_AreInTheTable()
    {
        var (wide, narrow) = (Layout(DType.BF16), Layout(DType.F8E4M3));
        AssertRow(string.Create(CultureInfo.InvariantCulture, $"| keys and values, BF16 | {wide.BytesPerBlock / HybridCache.BlockSize:#,0} bytes for each token |"));
        AssertRow(string.Create(CultureInfo.InvariantCulture, $"| keys and values, FP8 | {narrow.BytesPerBlock / HybridCache.BlockSize:#,0} bytes for each token |"));
        AssertRow(string.Create(CultureInfo.InvariantCulture, $"| recurrent state | {wide.BytesPerSlot / 1048576.0:0.0} MiB for each conversation, and for each cached prefix |"));
    }

    private static CacheLayout Layout(DType kvType) => PublishedModels.Get(Model).CacheLayout(withMtp: true, kvType, SpeculativeDecoder.MaxDrafts);

    private static void AssertRow(string row) => Assert.Contains(row, s_document, StringComparison.Ordinal);
}
