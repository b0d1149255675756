namespace Qwen3Next.AI.Cli.Download;

/// <summary>
/// A model folder that is being filled. Beside the files lies a folder with what is not complete, and an empty mark for each file that was
/// verified, so that a later run knows both. One process fills it at a time.
/// </summary>
internal sealed class DownloadFolder : IDisposable
{
    private readonly string _state;
    private readonly FileStream _lock;

    /// <exception cref="Qwen3NextException">Another download fills it.</exception>
    public DownloadFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        _state = Directory.CreateDirectory(System.IO.Path.Combine(Path, ".qwen3next-download")).FullName;
        try
        {
            _lock = new FileStream(System.IO.Path.Combine(_state, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e)
        {
            throw new Qwen3NextException($"Another download fills {Path}: {e.Message} Wait for it, or choose another folder with --to.", e);
        }
    }

    public string Path { get; }

    /// <summary>Bytes that were fetched of a file that is not complete.</summary>
    public string PartOf(HubFile file) => System.IO.Path.Combine(_state, file.Identity + ".part");

    public string TargetOf(HubFile file) => System.IO.Path.Combine(Path, file.Name);

    /// <summary>A run before this one verified exactly this version.</summary>
    public bool IsMarked(HubFile file) => File.Exists(MarkOf(file)) && LengthOf(TargetOf(file)) == file.Size;

    /// <summary>Puts a verified file into its place in one step.</summary>
    public void Complete(HubFile file)
    {
        File.Move(PartOf(file), TargetOf(file), overwrite: true);
        Mark(file);
    }

    public void Mark(HubFile file) => File.WriteAllBytes(MarkOf(file), []);

    /// <summary>What is still to be fetched of a file.</summary>
    public long Remaining(HubFile file) => IsMarked(file) ? 0 : Math.Max(0, file.Size - LengthOf(PartOf(file)));

    /// <summary>Forgets what was begun of versions that nobody asks for any more.</summary>
    public void RemoveParts()
    {
        foreach (var part in Directory.GetFiles(_state, "*.part")) File.Delete(part);
    }

    public void Dispose() => _lock.Dispose();

    private string MarkOf(HubFile file) => System.IO.Path.Combine(_state, file.Identity + ".verified");

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true, Length: var length } ? length : 0;
}
