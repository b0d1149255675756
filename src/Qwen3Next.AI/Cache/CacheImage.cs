using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Cache;

/// <summary>A state and the keys and values of a prefix in host memory, in the order of <see cref="HybridCache.Visit"/>. Owns its memory.</summary>
internal sealed unsafe class CacheImage(long bytes) : IDisposable
{
    private readonly NativeBuffer _memory = new(bytes, clear: false);

    public long Bytes => _memory.Bytes;

    /// <summary>All of it as bytes.</summary>
    public Tensor Content => new(_memory.Address, DType.F32, new Shape(checked((int)(Bytes / sizeof(float)))));

    /// <summary>Copies from the device.</summary>
    public static CacheImage Read(HybridCache cache, int slot, ReadOnlySpan<int> blocks)
    {
        var image = new CacheImage(cache.ImageBytes(blocks.Length));
        var next = image.Content.F32;
        cache.Visit(slot, blocks, (backend, piece) =>
        {
            var values = backend.Read(piece);
            values.CopyTo(new Span<float>(next, values.Length));
            next += values.Length;
        });
        return image;
    }

    /// <summary>Copies to the device.</summary>
    public void Write(HybridCache cache, int slot, ReadOnlySpan<int> blocks)
    {
        var next = Content.F32;
        cache.Visit(slot, blocks, (backend, piece) =>
        {
            var count = checked((int)piece.Shape.Elements);
            backend.Write(new ReadOnlySpan<float>(next, count), piece);
            next += count;
        });
    }

    public CacheImage Copy()
    {
        var copy = new CacheImage(Bytes);
        Content.AsSpan().CopyTo(copy.Content.AsSpan());
        return copy;
    }

    public void Dispose() => _memory.Dispose();
}
