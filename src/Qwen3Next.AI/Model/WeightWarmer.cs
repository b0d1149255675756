using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Model;

/// <summary>Reads mapped weights into memory, so that loading takes the time of the disk and the first tokens do not.</summary>
internal static unsafe class WeightWarmer
{
    private const int PageBytes = 4096;
    private const long ReportEvery = 64L << 20;

    /// <param name="mapped">Views of mapped files.</param>
    /// <param name="alreadyRead">Bytes that count as read from the start.</param>
    /// <param name="progress">Told about every 64 MiB and at the end.</param>
    /// <param name="ct">Ends the reading early.</param>
    public static void Touch(IReadOnlyList<Tensor> mapped, long alreadyRead, IProgress<Qwen3NextLoadProgress>? progress, CancellationToken ct)
    {
        long done = alreadyRead, total = alreadyRead + mapped.Sum(t => t.Bytes), reported = 0;
        // Weights that do not fit would only push one another out again; they are read as they are used.
        if (total < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
        {
            foreach (var tensor in mapped)
            {
                ct.ThrowIfCancellationRequested();
                for (var offset = 0L; offset < tensor.Bytes; offset += PageBytes) Volatile.Read(ref ((byte*)tensor.Address)[offset]);
                done += tensor.Bytes;
                if (done - reported < ReportEvery) continue;
                progress?.Report(new Qwen3NextLoadProgress(done, total));
                reported = done;
            }
        }
        progress?.Report(new Qwen3NextLoadProgress(total, total));
    }
}
