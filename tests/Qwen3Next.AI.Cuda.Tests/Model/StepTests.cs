using System.Numerics.Tensors;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>Steps that must give the same result whatever is computed with them and however they are issued.</summary>
public sealed class StepTests(CudaFixture cuda)
{
    private const int Sequences = 3, Steps = 6;

    [Fact]
    public void Forward_Replayed_EqualsEager()
    {
        using var model = Open();
        using var replayed = model.Start();
        using var eager = model.Start();
        replayed.Append([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        eager.Append([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for (var i = 0; i < Steps; i++) Assert.Equal(eager.Append([10 + i], afterLayer: (_, _) => { }), replayed.Append([10 + i]));
    }

    /// <summary>A few rows take the same kernels together as alone. Many rows take others, where a router that nearly ties could choose otherwise.</summary>
    [Theory]
    [InlineData("next-tiny", 1)]
    [InlineData("qwen3-dense-tiny", 20)]
    public void Forward_SequencesTogether_EqualEachAlone(string name, int prompt)
    {
        var folder = Golden.Path(name);
        var config = Qwen3NextConfig.Load(folder);
        using var backend = new CudaBackend(cuda.Device);
        using var weights = Qwen3NextWeights.Load(config, CheckpointReader.Open(folder));
        var model = new Qwen3NextModel(backend, weights, 64, 64);
        var cache = new HybridCache(backend, config.CacheLayout(model.HasMtp, backend.KvType), 32, 2 * Sequences);
        var batch = new Batch(64, Sequences, 4);
        var together = Enumerable.Range(0, Sequences).Select(_ => new Place(cache)).ToArray();
        var apart = Enumerable.Range(0, Sequences).Select(_ => new Place(cache)).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            var expected = new List<float>();
            for (var n = 0; n < Sequences; n++)
            {
                batch.Clear();
                apart[n].AddTo(batch, Tokens(prompt, n, step));
                expected.AddRange(model.Read(model.Logits(batch, model.Forward(batch, cache))));
            }
            batch.Clear();
            for (var n = 0; n < Sequences; n++) together[n].AddTo(batch, Tokens(prompt, n, step));
            var logits = model.Read(model.Logits(batch, model.Forward(batch, cache))).ToArray();
            for (var n = 0; n < Sequences; n++)
            {
                var row = new Range(n * config.VocabularySize, (n + 1) * config.VocabularySize);
                var alone = expected.ToArray().AsSpan(row);
                // The same roundings to bf16, sums in another order between them.
                Assert.InRange(TensorPrimitives.Distance<float>(alone, logits.AsSpan(row)) / TensorPrimitives.Norm<float>(alone), 0, 1.0 / 128);
            }
        }
    }

    // The first step reads prompts of different lengths, the others decode.
    private static int[] Tokens(int prompt, int sequence, int step) =>
        [.. Enumerable.Range(0, step == 0 ? prompt + sequence : 1).Select(i => (31 * sequence + 7 * step + i) % 500)];

    private ModelHarness Open()
    {
        var folder = Golden.Path("next-tiny");
        return new ModelHarness(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder), new CudaBackend(cuda.Device));
    }

    /// <summary>Slot and blocks of one sequence.</summary>
    private sealed class Place
    {
        private readonly int[] _blocks = new int[2];
        private readonly int _slot;
        private int _length;

        public Place(HybridCache cache)
        {
            Assert.True(cache.Slots.TryTake(out _slot));
            for (var i = 0; i < _blocks.Length; i++) Assert.True(cache.Blocks.TryTake(out _blocks[i]));
        }

        public void AddTo(Batch batch, int[] tokens)
        {
            batch.Add(tokens, _length, _slot, _blocks, lastLogits: true, allLogits: false);
            _length += tokens.Length;
        }
    }
}
