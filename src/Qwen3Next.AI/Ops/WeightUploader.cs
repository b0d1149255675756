using Qwen3Next.AI.Cuda;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

/// <summary>
/// Copies weights to the device through two page-locked buffers: while one is on its way, the next is filled from the mapped file.
/// </summary>
internal sealed unsafe class WeightUploader(CudaDevice device, CudaStream stream) : IDisposable
{
    private const int BufferBytes = 16 << 20;

    private readonly PinnedMemory?[] _buffers = new PinnedMemory?[2];
    private readonly CudaEvent?[] _copied = new CudaEvent?[2];
    private int _turn;

    /// <summary>Copies a tensor as it is, or rounds F32 and F16 to BF16 where the target is BF16.</summary>
    public void Upload(Tensor source, Tensor target)
    {
        if (source.Type != target.Type && target.Type != DType.BF16)
            throw new ArgumentException($"{source.Type} weights cannot be placed as {target.Type}", nameof(target));
        long chunk = BufferBytes / target.Type.Size(), elements = source.Shape.Elements;
        for (var start = 0L; start < elements; start += chunk)
        {
            var count = (int)Math.Min(chunk, elements - start);
            var buffer = NextBuffer();
            Fill(source.Address + (nint)(start * source.Type.Size()), source.Type, (void*)buffer, target.Type, count);
            stream.Upload(target.Address + (nint)(start * target.Type.Size()), buffer, (long)count * target.Type.Size());
            stream.Record(_copied[_turn]!);
        }
    }

    public void Dispose()
    {
        foreach (var copied in _copied) copied?.Dispose();
        foreach (var buffer in _buffers) buffer?.Dispose();
    }

    private nint NextBuffer()
    {
        _turn = 1 - _turn;
        if (_buffers[_turn] is { } used) _copied[_turn]!.Synchronize();
        else (_buffers[_turn], _copied[_turn]) = (used = device.AllocatePinned(BufferBytes), device.CreateEvent());
        return used.Address;
    }

    private static void Fill(nint source, DType from, void* target, DType to, int count)
    {
        if (from == to)
        {
            Buffer.MemoryCopy((void*)source, target, (long)count * to.Size(), (long)count * to.Size());
            return;
        }
        var rounded = (ushort*)target;
        if (from == DType.F32) for (var i = 0; i < count; i++) rounded[i] = TensorConvert.SingleToBFloat16(((float*)source)[i]);
        else for (var i = 0; i < count; i++) rounded[i] = TensorConvert.SingleToBFloat16((float)((Half*)source)[i]);
    }
}
