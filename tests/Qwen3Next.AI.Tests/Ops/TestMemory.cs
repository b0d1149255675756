using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Tests.Ops;

/// <summary>Tensors filled with given or reproducible random values, and one-sequence batches.</summary>
internal sealed class TestMemory(int seed) : IDisposable
{
    private readonly List<NativeBuffer> _buffers = [];
    private readonly Random _random = new(seed);

    public Tensor Zeros(params ReadOnlySpan<int> shape)
    {
        _buffers.Add(NativeBuffer.For(DType.F32, new Shape(shape), out var tensor));
        return tensor;
    }

    public Tensor Random(float scale, params ReadOnlySpan<int> shape)
    {
        var tensor = Zeros(shape);
        foreach (ref var value in tensor.AsSpan()) value = ((float)_random.NextDouble() * 2 - 1) * scale;
        return tensor;
    }

    public Tensor Of(ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        var tensor = Zeros(shape);
        values.CopyTo(tensor.AsSpan());
        return tensor;
    }

    /// <summary>The values rounded to a storage type, as the bytes a checkpoint would hold.</summary>
    public unsafe Tensor Store(ReadOnlySpan<float> values, DType type, params ReadOnlySpan<int> shape)
    {
        _buffers.Add(NativeBuffer.For(type, new Shape(shape), out var tensor));
        for (var i = 0; i < values.Length; i++)
        {
            switch (type)
            {
                case DType.F32: ((float*)tensor.Address)[i] = values[i]; break;
                case DType.F16: ((Half*)tensor.Address)[i] = (Half)values[i]; break;
                case DType.BF16: ((ushort*)tensor.Address)[i] = (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16); break;
                default: ((byte*)tensor.Address)[i] = (byte)_random.Next(0x7F * 2); break;
            }
            if (type == DType.F8E4M3 && (((byte*)tensor.Address)[i] & 0x7F) == 0x7F) ((byte*)tensor.Address)[i] = 0x3B;
        }
        return tensor;
    }

    /// <summary>Sequences of the given lengths that continue at the given positions; sequence n has slot n and its own blocks.</summary>
    public static Batch Batch(int blocksEach, params ReadOnlySpan<(int Start, int Count)> sequences)
    {
        var batch = new Batch(4096, sequences.Length, blocksEach);
        for (var n = 0; n < sequences.Length; n++)
            batch.Add(new int[sequences[n].Count], sequences[n].Start, n, Enumerable.Range(n * blocksEach, blocksEach).Reverse().ToArray(), false, false);
        return batch;
    }

    public void Dispose() => _buffers.ForEach(b => b.Dispose());
}
