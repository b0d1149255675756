using Qwen3Next.AI.Model;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

public sealed class ParameterCountsTests
{
    [Fact]
    public void Of_The80BShape_AreTheSpecifications()
    {
        var counts = ParameterCounts.Of(PublishedModels.Get("qwen3-next-80b-a3b"), mtp: true);
        Assert.Equal(79_674_391_296, counts.Main);
        Assert.Equal(81_324_862_720, counts.Main + counts.Mtp);
        Assert.Equal(3_563_764_480, counts.Active);
        Assert.Equal(71_315_968, counts.MtpActive);
    }

    [Fact]
    public void Tensors_OfThe80BShape_AreAsManyAsTheCheckpointHas()
    {
        var config = PublishedModels.Get("qwen3-next-80b-a3b");
        Assert.Equal(74_391, WeightMap.Tensors(config, mtp: false).Count);
        Assert.Equal(75_944, WeightMap.Tensors(config, mtp: true).DistinctBy(s => s.Name).Count());
    }

    [Fact]
    public void Of_OtherPublishedShapes_AddUpByHand()
    {
        // Qwen3-30B-A3B: per layer q, k, v, o, two head norms, two layer norms, router, 128 experts; then embedding, head and final norm.
        const long attention = 2L * 4096 * 2048 + 2L * 512 * 2048 + 2 * 128 + 2 * 2048, router = 128 * 2048, expert = 3L * 768 * 2048;
        const long table = 151936L * 2048;
        var sparse = ParameterCounts.Of(PublishedModels.Get("qwen3-30b-a3b"), mtp: false);
        Assert.Equal(48 * (attention + router + 128 * expert) + 2 * table + 2048, sparse.Main);
        Assert.Equal(48 * (attention + router + 8 * expert) + table + 2048, sparse.Active);
        // Qwen3-32B.
        const long dense = 2L * 8192 * 5120 + 2L * 1024 * 5120 + 2 * 128 + 2 * 5120 + 3L * 25600 * 5120;
        Assert.Equal(64 * dense + 2 * 151936L * 5120 + 5120, ParameterCounts.Of(PublishedModels.Get("qwen3-32b"), mtp: false).Main);
    }
}
