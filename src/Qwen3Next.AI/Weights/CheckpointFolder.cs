namespace Qwen3Next.AI.Weights;

/// <summary>Finds the folder that holds config.json from what a user may point at.</summary>
internal static class CheckpointFolder
{
    /// <summary>
    /// A plain model folder is returned as it is. In a hub cache folder (<c>models--org--name</c>) the snapshot of refs/main is chosen,
    /// or the only snapshot there is.
    /// </summary>
    /// <exception cref="CheckpointException">The folder does not exist or holds no model.</exception>
    public static string Resolve(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var folder = Path.GetFullPath(path);
        if (File.Exists(folder)) throw new CheckpointException($"{folder} is a file; give the folder that holds config.json.");
        if (!Directory.Exists(folder)) throw new CheckpointException($"Folder {folder} does not exist; give a folder that holds config.json.");
        if (File.Exists(Path.Combine(folder, "config.json"))) return folder;
        var snapshots = Path.Combine(folder, "snapshots");
        return Directory.Exists(snapshots)
            ? Snapshot(folder, snapshots)
            : throw new CheckpointException($"Folder {folder} holds neither config.json nor the snapshots of a hub cache.");
    }

    private static string Snapshot(string folder, string snapshots)
    {
        var reference = Path.Combine(folder, "refs", "main");
        if (File.Exists(reference))
        {
            var revision = ReadLine(reference);
            var chosen = Path.Combine(snapshots, Path.GetFileName(revision));
            if (revision.Length > 0 && File.Exists(Path.Combine(chosen, "config.json"))) return chosen;
            throw new CheckpointException($"{reference} names snapshot '{revision}', but {chosen} holds no config.json; download the model again.");
        }
        var complete = Directory.GetDirectories(snapshots).Where(s => File.Exists(Path.Combine(s, "config.json"))).ToArray();
        return complete.Length == 1
            ? complete[0]
            : throw new CheckpointException(
                $"{folder} has no refs/main and {complete.Length} snapshots with a config.json; give one folder below {snapshots}.");
    }

    private static string ReadLine(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{file} cannot be read: {e.Message}", e);
        }
    }
}
