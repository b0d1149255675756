using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;
using Xunit;

namespace Qwen3Next.AI.Tests.Ops;

public sealed class SampleTests(CudaFixture cuda)
{
    private const int Vocabulary = 1603, TokenIds = 1590;

    public static TheoryData<float, int, float, float> Cuts => new()
    {
        { 0, 0, 1, 0 }, { 1, 1, 1, 0 }, { 1, 0, 1, 0 }, { 0.7f, 20, 1, 0 }, { 0.7f, 20, 0.8f, 0 }, { 1, 0, 0.9f, 0 }, { 1.5f, 0, 0.5f, 0.02f }, { 1, 0, 1, 0.1f },
        { 2, 500, 0.95f, 0.01f }, { 0.1f, 3, 0.3f, 0 }, { 100, 2000, 0.999f, 0 }, { 1, 2, 1e-6f, 1 },
    };

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Sample_AnyCuts_ChoosesWhatTheCpuChooses(float temperature, int topK, float topP, float minP)
    {
        var p = new SamplingParameters { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        AssertSame(33, (rows, i) => rows.Add(new SamplingRow(p, null, 17 * i, i)));
    }

    [Fact]
    public void Sample_WholeVocabulary_ChoosesWhatTheCpuChooses()
    {
        SamplingParameters[] settings =
        [
            SamplingParameters.Greedy, new() { Temperature = 0.7f, TopK = 20, TopP = 0.8f }, new() { Temperature = 1, TopP = 0.95f }, new() { Temperature = 1 },
        ];
        AssertSame(settings.Length, (rows, i) => rows.Add(new SamplingRow(settings[i], null, 5, i)), vocabulary: 151936, tokenIds: 151669);
    }

    [Fact]
    public void Sample_PenaltiesBiasAndMasks_ChoosesWhatTheCpuChooses()
    {
        var counts = new TokenCounts(Vocabulary, [5, 9, 1600]);
        foreach (var token in new[] { 7, 7, 1589, 9 }) counts.Add(token);
        var bias = new Dictionary<int, float> { [7] = 3, [100] = 9, [1602] = 50 };
        var p = new SamplingParameters { Temperature = 1, TopK = 40, RepetitionPenalty = 1.3f, FrequencyPenalty = 0.5f, PresencePenalty = -1, LogitBias = bias };
        var greedy = p with { Temperature = 0 };
        var allowed = new ulong[(TokenIds + 63) / 64];
        foreach (var token in new[] { 3, 64, 700, 701, 1589 }) allowed[token / 64] |= 1UL << token;
        var single = new ulong[allowed.Length];
        single[20] = 1;
        AssertSame(24, (rows, i) => rows.Add(new SamplingRow(i % 4 == 0 ? greedy : p, i % 3 == 0 ? null : counts, i, 2 * i), i % 2 == 0 ? [] : i % 5 == 0 ? single : allowed));
    }

    // Whatever is equal is told apart by id: the same tokens are kept, and the draw meets them in the same order.
    [Theory]
    [InlineData(40, 1f)]
    [InlineData(0, 0.3f)]
    [InlineData(40, 0.5f)]
    [InlineData(0, 1f)]
    public void Sample_EqualLogits_KeepsLowerIds(int topK, float topP)
    {
        var p = new SamplingParameters { Temperature = 1, TopK = topK, TopP = topP };
        AssertSame(16, (rows, i) => rows.Add(new SamplingRow(p, null, i, i)), (row, id) => row % 2 == 0 ? 1 : id % 7);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void ReadTokens_NotANumber_FailsByName(float bad)
    {
        using var backend = new CudaBackend(cuda.Device);
        using var memory = new TestMemory(1);
        var logits = memory.Random(1, 2, Vocabulary);
        logits.AsSpan()[Vocabulary + 1000] = bad;
        var rows = new SamplingRows(2, TokenIds);
        for (var i = 0; i < 2; i++) rows.Add(new SamplingRow(new SamplingParameters { Temperature = i }, null, 1, 1));
        backend.Sample(backend.Place(logits), rows);
        var error = Assert.Throws<Qwen3NextException>(() => backend.ReadTokens(rows).Length);
        Assert.Contains("row 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_WarmedUp_AllocatesNothing()
    {
        using var backend = new CudaBackend(cuda.Device);
        using var memory = new TestMemory(1);
        var logits = backend.Place(memory.Random(1, 2, Vocabulary));
        var rows = new SamplingRows(2, TokenIds);
        rows.Add(new SamplingRow(new SamplingParameters { Temperature = 1, TopK = 20 }, null, 1, 1));
        for (var i = 0; i < 2; i++) SampleAndRead();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5; i++) SampleAndRead();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void SampleAndRead()
        {
            backend.Sample(logits, rows);
            _ = backend.ReadTokens(rows);
        }
    }

    /// <summary>
    /// Tokens agree unless the draw or a cut falls within the rounding of the weights, 2^-21 of the mass: for these seeds none does.
    /// </summary>
    private void AssertSame(int count, Action<SamplingRows, int> add, Func<int, int, float>? logit = null, int vocabulary = Vocabulary, int tokenIds = TokenIds)
    {
        using var cpu = new CpuBackend(1);
        using var backend = new CudaBackend(cuda.Device);
        using var memory = new TestMemory(count);
        var logits = memory.Random(4, count, vocabulary);
        if (logit is not null)
            for (var i = 0; i < logits.Shape.Elements; i++) logits.AsSpan()[i] = logit(i / vocabulary, i % vocabulary);
        var rows = new SamplingRows(count, tokenIds);
        for (var i = 0; i < count; i++) add(rows, i);
        var copies = new[] { backend.Place(logits), backend.Place(logits) };
        cpu.Sample(logits, rows);
        for (var seed = 0; seed < copies.Length; seed++)
        {
            using var shuffled = cuda.IsEmulated ? Emulator.With("SEED", seed, normally: 0) : null;
            backend.Sample(copies[seed], rows);
            Assert.Equal(cpu.ReadTokens(rows).ToArray(), backend.ReadTokens(rows).ToArray());
        }
    }
}
