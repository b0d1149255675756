using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>Hands out device memory that lives as long as the arena. The driver rounds every allocation up; slabs keep that loss small for a model's many matrices.</summary>
/// <param name="device">Where.</param>
/// <param name="slabBytes">Size of a slab; larger tensors get memory of their own.</param>
internal sealed class DeviceArena(CudaDevice device, long slabBytes) : IDisposable
{
    private const long Alignment = 256;

    private readonly List<DeviceMemory> _memory = [];
    private nint _next, _end;

    /// <summary>Bytes taken from the device.</summary>
    public long Bytes { get; private set; }

    /// <summary>Memory of any content.</summary>
    public Tensor Allocate(DType type, Shape shape)
    {
        var bytes = (Math.Max(shape.Elements * type.Size(), 1) + Alignment - 1) / Alignment * Alignment;
        if (bytes > slabBytes / 2) return new Tensor(Take(shape.Elements * type.Size()).Address, type, shape);
        if (_end - _next < bytes)
        {
            var slab = Take(slabBytes);
            (_next, _end) = (slab.Address, slab.Address + (nint)slabBytes);
        }
        var tensor = new Tensor(_next, type, shape);
        _next += (nint)bytes;
        return tensor;
    }

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private DeviceMemory Take(long bytes)
    {
        var memory = device.Allocate(Math.Max(bytes, 1));
        _memory.Add(memory);
        Bytes += memory.Bytes;
        return memory;
    }
}
