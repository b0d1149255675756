using LongDocumentRag.Documents;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Ingestion;

[CollectionDefinition(nameof(IngestMemoryTests), DisableParallelization = true)]
[Collection(nameof(IngestMemoryTests))]
public sealed class IngestMemoryTests
{
    /// <summary>What a reader holds while it reads must not grow with the pages that it has read. Alone, as memory is counted for the whole process.</summary>
    [Fact]
    public void Read_SixTimesThePages_HoldsLittleMoreMemory()
    {
        using var folder = new TemporaryFolder();
        long Held(int pages)
        {
            var path = folder.File($"{pages}.pdf");
            File.WriteAllBytes(path, TestPdf.Of(Enumerable.Range(1, pages).Select(n => $"Page {n}: " + new string((char)('a' + (n % 26)), 90))));
            var cutter = new PassageCutter(60);
            var (most, count) = (0L, 0);
            foreach (var passage in cutter.Cut(new DocumentReaders(1).Read(path)))
                if (++count % 100 == 0) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true));
            Assert.Equal(pages, count);
            return most;
        }
        var (few, many) = (Held(100), Held(600));
        Assert.InRange(many - few, long.MinValue, 4 << 20);
    }
}
