using System.Diagnostics;
using System.Runtime.Intrinsics;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>How fast this machine reads memory: every thread sums its part of a buffer far larger than the caches; best of several passes.</summary>
internal static unsafe class MemoryBandwidth
{
    /// <summary>Bytes per second.</summary>
    public static double Measure(int threads)
    {
        using var buffer = new NativeBuffer(2L << 30);
        using var team = new CpuThreads(threads);
        new Span<byte>((void*)buffer.Address, int.MaxValue).Fill(1);
        double best = 0;
        for (var pass = 0; pass < 6; pass++)
        {
            var work = new Reader((byte*)buffer.Address);
            var start = Stopwatch.GetTimestamp();
            team.For(ref work, (int)(buffer.Bytes / Reader.ChunkBytes));
            best = Math.Max(best, buffer.Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private readonly struct Reader(byte* data) : IParallelWork
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
