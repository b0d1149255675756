using System.Diagnostics;
using System.Runtime.Intrinsics;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Ops;

internal sealed unsafe partial class CpuBackend
{
    public double MeasureReadRate()
    {
        using var buffer = new NativeBuffer(1L << 30);
        // Pages that were only cleared may all be one page of zeros.
        new Span<byte>((void*)buffer.Address, 1 << 30).Fill(1);
        double best = 0;
        for (var pass = 0; pass < 6; pass++)
        {
            var work = new MemoryReader((byte*)buffer.Address);
            var start = Stopwatch.GetTimestamp();
            _threads.For(ref work, (int)(buffer.Bytes / MemoryReader.ChunkBytes));
            best = Math.Max(best, buffer.Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private readonly struct MemoryReader(byte* data) : IParallelWork
    {
        public const int ChunkBytes = 1 << 20;

        public void Run(int chunk, int thread)
        {
            Vector256<long> a = default, b = default, c = default, d = default;
            var start = data + (long)chunk * ChunkBytes;
            for (var p = start; p < start + ChunkBytes; p += 128)
            {
                a ^= Vector256.Load((long*)p);
                b ^= Vector256.Load((long*)(p + 32));
                c ^= Vector256.Load((long*)(p + 64));
                d ^= Vector256.Load((long*)(p + 96));
            }
            if ((a ^ b ^ c ^ d).GetElement(0) == 12345) throw new InvalidOperationException("the sum must be used");
        }
    }
}
