using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops;

internal sealed partial class CudaBackend
{
    private const long ReadLimitBytes = 2L << 30;
    private const int ReadLimitPasses = 10, ReadLimitThreads = 512;

    public double MeasureReadRate()
    {
        var bytes = Math.Min(ReadLimitBytes, _device.FreeBytes / 2) >> 20 << 20;
        using var buffer = _device.Allocate(bytes);
        using var start = _device.CreateEvent(timing: true);
        using var end = _device.CreateEvent(timing: true);
        var kernel = LoadKernels("Ops/Limits/limits.cu").GetKernel("read_limit");
        _stream.Fill(buffer.Address, 1, bytes);
        var best = double.PositiveInfinity;
        for (var pass = 0; pass < ReadLimitPasses; pass++)
        {
            _stream.Record(start);
            kernel.Launch(_stream, 4 * _device.Multiprocessors, ReadLimitThreads, 0, buffer.Address, bytes / 16, Scratch(sizeof(int)));
            _stream.Record(end);
            end.Synchronize();
            best = Math.Min(best, end.MillisecondsSince(start));
        }
        return bytes / (best / 1e3);
    }
}
