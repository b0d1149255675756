namespace Qwen3Next.AI.Cli.Download;

/// <summary>Fetches a model's files into a folder that can be loaded, several at a time.</summary>
/// <param name="http">Of the hub.</param>
/// <param name="retries">What to do when the network fails.</param>
internal sealed class ModelDownload(HubHttp http, Retries retries)
{
    /// <summary>Free bytes where a folder lies.</summary>
    public Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <param name="files">Checked by <see cref="HubFileNames"/>.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="parallel">Files at a time.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops; what was fetched stays for the next run.</param>
    /// <exception cref="Qwen3NextException">There is too little room, or a file cannot be had.</exception>
    public async Task RunAsync(IReadOnlyList<HubFile> files, DownloadFolder folder, int parallel, DownloadProgress progress, CancellationToken cancellationToken)
    {
        var remaining = files.Sum(folder.Remaining);
        CheckRoom(folder, remaining);
        progress.Begin(files.Count, files.Sum(file => file.Size), remaining);
        var download = new FileDownload(http, folder, retries, progress.Advance);
        // The small files first: whether a model can be loaded is then known early.
        await Parallel.ForEachAsync(files.OrderBy(file => file.Size), new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (file, token) =>
        {
            await download.RunAsync(file, token);
            progress.Complete(file);
        });
        folder.RemoveParts();
    }

    private void CheckRoom(DownloadFolder folder, long remaining)
    {
        var free = FreeBytes(folder.Path);
        if (remaining > free)
            throw new Qwen3NextException($"{DownloadProgress.Size(remaining)} are still to be fetched and {DownloadProgress.Size(free)} are free where {folder.Path} lies. Make room, or choose another folder with --to.");
    }
}
