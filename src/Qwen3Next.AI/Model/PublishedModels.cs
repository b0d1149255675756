namespace Qwen3Next.AI.Model;

/// <summary>Shapes of published models, for benchmarks with made-up weights and for planning without a checkpoint.</summary>
internal static class PublishedModels
{
    private const int Vocabulary = 151936;

    private static readonly Dictionary<string, Qwen3NextConfig> Known = new(StringComparer.Ordinal)
    {
        ["qwen3-next-80b-a3b"] = new()
        {
            Type = ModelType.Qwen3Next, VocabularySize = Vocabulary, HiddenSize = 2048, QueryHeads = 16, KvHeads = 2, HeadDim = 256,
            Rope = new RopeConfig(1e7, 64), MaxPositions = 262144,
            FullAttention = [.. Enumerable.Range(0, 48).Select(i => i % 4 == 3)], Moe = [.. Enumerable.Repeat(true, 48)],
            KeyHeads = 16, ValueHeads = 32, KeyHeadDim = 128, ValueHeadDim = 128, ConvKernel = 4,
            Experts = 512, ActiveExperts = 10, ExpertWidth = 512, SharedExpertWidth = 512, NormTopK = true, EosTokens = [151645],
        },
        ["qwen3-30b-a3b"] = new()
        {
            Type = ModelType.Qwen3Moe, VocabularySize = Vocabulary, HiddenSize = 2048, QueryHeads = 32, KvHeads = 4, HeadDim = 128,
            Rope = new RopeConfig(1e6, 128), MaxPositions = 40960,
            FullAttention = [.. Enumerable.Repeat(true, 48)], Moe = [.. Enumerable.Repeat(true, 48)],
            Experts = 128, ActiveExperts = 8, ExpertWidth = 768, NormTopK = true, EosTokens = [151645],
        },
        ["qwen3-32b"] = new()
        {
            Type = ModelType.Qwen3, VocabularySize = Vocabulary, HiddenSize = 5120, QueryHeads = 64, KvHeads = 8, HeadDim = 128,
            Rope = new RopeConfig(1e6, 128), MaxPositions = 40960,
            FullAttention = [.. Enumerable.Repeat(true, 64)], Moe = new bool[64], MlpWidth = 25600, EosTokens = [151645],
        },
    };

    public static IReadOnlyCollection<string> Names => Known.Keys;

    /// <exception cref="ArgumentException">No such model.</exception>
    public static Qwen3NextConfig Get(string name) => Known.TryGetValue(name, out var config)
        ? config
        : throw new ArgumentException($"'{name}' is not a known shape; known are {string.Join(", ", Known.Keys)}.", nameof(name));
}
