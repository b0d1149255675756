using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;
using Qwen3Next.AI.Weights;
using Xunit;

namespace Qwen3Next.AI.Tests.Model;

/// <summary>A model, a cache and batches put together by hand, without the engine.</summary>
internal sealed class ModelHarness : IDisposable
{
    public const int MaxTokens = 512;
    private readonly Qwen3NextWeights _weights;
    private readonly IBackend _backend;

    private readonly int _blocks;

    public ModelHarness(string folder) : this(Qwen3NextConfig.Load(folder), CheckpointReader.Open(folder), new CpuBackend(2)) { }

    /// <param name="config">The model.</param>
    /// <param name="checkpoint">Its weights; disposed with the harness.</param>
    /// <param name="backend">Disposed with the harness.</param>
    /// <param name="blocks">KV blocks; one conversation can use half of them.</param>
    public ModelHarness(Qwen3NextConfig config, ICheckpoint checkpoint, IBackend backend, int blocks = 64)
    {
        (Config, _backend, _blocks) = (config, backend, blocks);
        _weights = Qwen3NextWeights.Load(Config, checkpoint);
        Model = new Qwen3NextModel(_backend, _weights, MaxTokens, MaxTokens);
        Cache = new HybridCache(_backend, Config.CacheLayout(Model.HasMtp, _backend.KvType), blocks, slots: 4);
    }

    public Qwen3NextConfig Config { get; }

    public Qwen3NextModel Model { get; }

    public HybridCache Cache { get; }

    public void Dispose()
    {
        _backend.Dispose();
        _weights.Dispose();
    }

    /// <summary>Values of a tensor of the backend.</summary>
    public ReadOnlySpan<float> Read(Tensor tensor) => _backend.Read(tensor);

    public Conversation Start() => new(this);

    /// <summary>One sequence whose blocks are taken in a scattered order.</summary>
    internal sealed class Conversation : IDisposable
    {
        private readonly ModelHarness _owner;
        private readonly List<int> _blocks = [];
        private readonly int _slot;
        private readonly Batch _batch;

        public Conversation(ModelHarness owner)
        {
            _owner = owner;
            _batch = new Batch(MaxTokens, 1, owner._blocks);
            Assert.True(owner.Cache.Slots.TryTake(out _slot));
        }

        public int Length { get; private set; }

        /// <summary>Logits [T, V] of new tokens.</summary>
        public float[] Append(ReadOnlySpan<int> tokens, Action<int, Tensor>? afterLayer = null, Action<Tensor>? afterNorm = null, IBackend? through = null)
        {
            var hidden = Forward(tokens, afterLayer, through);
            afterNorm?.Invoke(hidden);
            return _owner.Model.Read(_owner.Model.Logits(_batch, hidden)).ToArray();
        }

        /// <summary>Logits [T, V] of the multi-token predictor for new tokens, each with the token that follows it.</summary>
        public float[] Predict(ReadOnlySpan<int> tokens, ReadOnlySpan<int> next)
        {
            var hidden = Forward(tokens, null);
            next.CopyTo(_batch.NextTokens);
            _owner.Model.Carry(hidden, 0, tokens.Length, 0);
            return _owner.Model.Read(_owner.Model.Logits(_batch, _owner.Model.Predict(_batch, _owner.Cache))).ToArray();
        }

        public void Dispose()
        {
            _blocks.ForEach(_owner.Cache.Blocks.Return);
            _owner.Cache.Slots.Return(_slot);
        }

        private Tensor Forward(ReadOnlySpan<int> tokens, Action<int, Tensor>? afterLayer, IBackend? through = null)
        {
            while (_blocks.Count < _owner.Cache.Blocks.BlocksFor(Length + tokens.Length))
            {
                Assert.True(_owner.Cache.Blocks.TryTake(out var skipped));
                Assert.True(_owner.Cache.Blocks.TryTake(out var block));
                _blocks.Add(block);
                _owner.Cache.Blocks.Return(skipped);
            }
            _batch.Clear();
            _batch.Add(tokens, Length, _slot, _blocks.ToArray(), lastLogits: false, allLogits: true);
            Length += tokens.Length;
            return _owner.Model.Forward(_batch, _owner.Cache, afterLayer, through);
        }
    }
}
