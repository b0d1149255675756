using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Kernels;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

/// <summary>
/// The list of kernels that packages bring is what the backend asks for: models of the published shapes are run in all sizes of steps on an idle emulated
/// device of every generation.
/// </summary>
public class KernelListTests(CudaFixture cuda)
{
    private const string ListVariable = "QWEN3NEXT_TEST_KERNELS";
    private const int MostTokens = 4096, Sequences = 64;

    private static readonly string ListFile = Path.Combine(SourceTree.Root, "build", "Kernels", "kernels.txt");

    /// <summary>Data-centre and consumer GPUs of each generation, which differ in shared memory; the last two run PTX.</summary>
    private static readonly int[] Capabilities = [80, 86, 89, 90, 100, 120];

    [Fact]
    public void List_IsWhatTheBackendAsksFor()
    {
        Assert.SkipUnless(cuda.IsEmulated, "the emulated device gives the answers");
        var (work, asked) = (Directory.CreateTempSubdirectory("qwen3next-kernels").FullName, ListFile + ".new");
        OwnProcess.Run(GetType(), nameof(Ask_EveryGeneration_WritesTheList), (ListVariable, asked), (EnvironmentVariables.KernelCacheName, work),
            ("QWEN3NEXT_EMULATOR_IDLE", "1"), ("QWEN3NEXT_EMULATOR_MULTIPROCESSORS", "132"), ("QWEN3NEXT_EMULATOR_POISON", "0"));
        Directory.Delete(work, recursive: true);
        var (expected, listed) = (File.ReadAllLines(asked), File.ReadAllLines(ListFile));
        Assert.True(expected.SequenceEqual(listed),
            $"The backend asks for other kernels than {ListFile} lists: put {asked} in its place. Missing: {string.Join("; ", expected.Except(listed))}. No longer asked for: {string.Join("; ", listed.Except(expected))}.");
        File.Delete(asked);
    }

    [Fact(Explicit = true)]
    public void Ask_EveryGeneration_WritesTheList()
    {
        Assert.True(cuda.IsEmulated);
        foreach (var config in Models())
        {
            Run(config, float8: false, DType.BF16);
            Run(config, float8: true, DType.F8E4M3);
        }
        File.WriteAllLines(Environment.GetEnvironmentVariable(ListVariable)!, KernelList.Write(CudaDevice.Loaded));
    }

    /// <summary>Layers of each kind. What no kernel is compiled for is small: vocabularies, widths of networks.</summary>
    private static IEnumerable<Qwen3NextConfig> Models()
    {
        yield return Small(PublishedModels.Get("qwen3-next-80b-a3b").WithLayers(0, 3));
        yield return Small(PublishedModels.Get("qwen3-30b-a3b").WithLayers(0));
        var dense = Small(PublishedModels.Get("qwen3-32b").WithLayers(0));
        // Qwen3 0.6B and 1.7B, 4B and 8B, 14B, 32B: query heads on a KV head.
        foreach (var (heads, kvHeads) in new[] { (16, 8), (32, 8), (40, 8), (64, 8) }) yield return dense with { QueryHeads = heads, KvHeads = kvHeads };
        yield return Qwen3NextConfig.Load(Path.Combine(SourceTree.Root, "src", "Qwen3Next.AI.TinyModel", "model"));
    }

    private static Qwen3NextConfig Small(Qwen3NextConfig config) => config with
    {
        VocabularySize = 1024, HiddenSize = 256, MlpWidth = Least(config.MlpWidth), ExpertWidth = Least(config.ExpertWidth), SharedExpertWidth = Least(config.SharedExpertWidth),
    };

    private static int Least(int width) => Math.Min(width, 16);

    private static void Run(Qwen3NextConfig config, bool float8, DType kvType)
    {
        using var weights = Qwen3NextWeights.Load(config, new DummyWeights(WeightMap.Tensors(config, mtp: false), float8));
        foreach (var capability in Capabilities)
        {
            using var setting = Emulator.With("CAPABILITY", capability, normally: 90);
            using var device = CudaDevice.Open();
            using var backend = new CudaBackend(device, kvType);
            var model = new Qwen3NextModel(backend, weights, MostTokens, Sequences);
            var cache = new HybridCache(backend, config.CacheLayout(withMtp: false, kvType), blocks: MostTokens / HybridCache.BlockSize + Sequences, slots: Sequences);
            for (var rows = 1; rows <= 9; rows++) StepProfiler.Measure(model, cache, 1, rows, 0);
            for (var sequences = 2; sequences <= Sequences; sequences *= 2) StepProfiler.Measure(model, cache, sequences, 1, 0);
            for (var rows = 16; rows <= MostTokens; rows *= 2) StepProfiler.Measure(model, cache, 1, rows, 0);
            backend.Sample(backend.Allocate(DType.F32, new Shape(1, config.VocabularySize)), new SamplingRows(1, config.VocabularySize));
            backend.MeasureReadRate();
        }
    }
}
