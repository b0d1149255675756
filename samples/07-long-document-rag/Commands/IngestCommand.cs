using System.Diagnostics;
using LongDocumentRag.Ingestion;

namespace LongDocumentRag.Commands;

/// <summary><c>ingest FOLDER</c>: reads what is new or changed.</summary>
internal sealed class IngestCommand(Ingestor ingestor)
{
    public async Task<int> RunAsync(DirectoryInfo folder, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var ends = new Dictionary<DocumentState, int>();
        await ingestor.IngestAsync(folder.FullName, progress =>
        {
            if (progress.State != DocumentState.Reading) ends[progress.State] = ends.GetValueOrDefault(progress.State) + 1;
            if (progress.State != DocumentState.Unchanged) Console.WriteLine(Line(progress));
        }, cancellationToken);
        var summary = string.Join(", ", ends.OrderBy(end => end.Key).Select(end => $"{end.Value} {end.Key.ToString().ToLowerInvariant()}"));
        Console.WriteLine($"{(summary.Length == 0 ? "no documents" : summary)}, {watch.Elapsed.TotalSeconds:0.0} s");
        return ends.ContainsKey(DocumentState.Failed) ? 1 : 0;
    }

    private static string Line(DocumentProgress progress) => $"[{progress.Number}/{progress.Count}] {progress.Document}: " + progress.State switch
    {
        DocumentState.Reading => $"{progress.Passages} passages so far",
        DocumentState.Added or DocumentState.Changed => $"{progress.State.ToString().ToLowerInvariant()}, {progress.Passages} passages",
        DocumentState.Failed => $"skipped: {progress.Error}",
        _ => progress.State.ToString().ToLowerInvariant(),
    };
}
