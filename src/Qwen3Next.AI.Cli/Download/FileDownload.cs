using System.Net;
using System.Security.Cryptography;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>Fetches one file: goes on where an earlier attempt or run ended, verifies, and only then puts the file into its place.</summary>
/// <param name="http">Of the hub.</param>
/// <param name="folder">Where to.</param>
/// <param name="retries">What to do when the network fails.</param>
/// <param name="advanced">Told of bytes as they arrive; a negative number when they have to be fetched again.</param>
internal sealed class FileDownload(HubHttp http, DownloadFolder folder, Retries retries, Action<long> advanced)
{
    private const int BufferBytes = 1 << 20;

    /// <exception cref="Qwen3NextException">The hub refuses, or gives something else than it lists.</exception>
    public async Task RunAsync(HubFile file, CancellationToken cancellationToken)
    {
        if (await IsThereAsync(file, cancellationToken))
        {
            advanced(folder.Remaining(file));
            folder.Mark(file);
            return;
        }
        for (var last = false; ; last = true)
        {
            var length = 0L;
            await retries.RunAsync(async () => await FetchAsync(file, now => length = now, cancellationToken), () => length, cancellationToken);
            if (file.Sha256 is null || await HashAsync(folder.PartOf(file), cancellationToken) == file.Sha256) break;
            File.Delete(folder.PartOf(file));
            advanced(-file.Size);
            if (last) throw new Qwen3NextException($"{file.Name} arrived twice with a wrong checksum; {file.Sha256} is listed. Try later, or use another source with --from.");
        }
        folder.Complete(file);
    }

    /// <summary>The file was verified by an earlier run, or came by another way and is right.</summary>
    private async Task<bool> IsThereAsync(HubFile file, CancellationToken cancellationToken)
    {
        if (folder.IsMarked(file)) return true;
        var target = new FileInfo(folder.TargetOf(file));
        return target.Exists && target.Length == file.Size && file.Sha256 is not null && await HashAsync(target.FullName, cancellationToken) == file.Sha256;
    }

    private async Task<bool> FetchAsync(HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        await using var part = new FileStream(folder.PartOf(file), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, BufferBytes);
        if (part.Length > file.Size) Restart(part);
        report(part.Length);
        if (part.Length < file.Size)
        {
            using var response = await http.GetFileAsync(file.Address, part.Length, cancellationToken);
            Continue(file, part, response);
            part.Position = part.Length;
            await using var content = await response.Content.ReadAsStreamAsync(cancellationToken);
            await CopyAsync(file, content, part, report, cancellationToken);
        }
        part.Flush(flushToDisk: true);
        return true;
    }

    /// <summary>Makes the part what the answer continues: all of it, or nothing where the server sends the file from its beginning.</summary>
    private void Continue(HubFile file, FileStream part, HttpResponseMessage response)
    {
        var range = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.PartialContent && range?.From == part.Length && (range.Length ?? file.Size) == file.Size) return;
        Restart(part);
        if (response.StatusCode != HttpStatusCode.OK) throw new IOException($"{file.Address} did not continue where it was asked to");
        if (response.Content.Headers.ContentLength is { } length && length != file.Size) throw WrongSize(file, length);
    }

    private async Task CopyAsync(HubFile file, Stream content, FileStream part, Action<long> report, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        while (await http.ReadAsync(content, buffer, cancellationToken) is > 0 and var count)
        {
            if (part.Position + count > file.Size) throw WrongSize(file, part.Position + count);
            await part.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            advanced(count);
            report(part.Position);
        }
        if (part.Position < file.Size) throw new IOException($"{file.Address} ended after {part.Position} of {file.Size} bytes");
    }

    private void Restart(FileStream part)
    {
        advanced(-part.Length);
        part.SetLength(0);
    }

    private static Qwen3NextException WrongSize(HubFile file, long bytes) =>
        new($"{file.Name} has {bytes} bytes or more, and {file.Size} are listed. Try later, or use another source with --from.");

    private static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes, FileOptions.SequentialScan | FileOptions.Asynchronous);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }
}
