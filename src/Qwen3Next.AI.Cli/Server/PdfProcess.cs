using System.Diagnostics;
using System.Runtime.InteropServices;
using Qwen3Next.AI.Cli.Commands;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>
/// Reads a PDF file in a process of its own, <see cref="PdfTextCommand"/>. A file that is made to exhaust time, memory or the stack takes that process
/// with it and not the server.
/// </summary>
internal static class PdfProcess
{
    private const string HeapLimit = "20000000"; // hexadecimal bytes: 512 MB
    private const string Prefix = "error: "; // of the tool's one line for people

    /// <summary>Gives the command's output.</summary>
    /// <exception cref="ApiException">The file cannot be read, or not within the limit.</exception>
    public static async Task<byte[]> ReadAsync(Stream pdf, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var clock = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        clock.CancelAfter(limit);
        using var process = Process.Start(StartInfo())!;
        try
        {
            var error = process.StandardError.ReadToEndAsync(clock.Token);
            var output = ReadAllAsync(process.StandardOutput.BaseStream, clock.Token);
            await FeedAsync(process, pdf, clock.Token);
            await process.WaitForExitAsync(clock.Token);
            return process.ExitCode == 0 ? await output : throw Refusal(await error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw ApiException.Bad($"The PDF file could not be read within {limit.TotalSeconds:0.#} seconds. Send a smaller one, or its text.");
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private static ProcessStartInfo StartInfo()
    {
        var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        (start.FileName, var tool) = Tool();
        if (tool is not null) start.ArgumentList.Add(tool);
        start.ArgumentList.Add(PdfTextCommand.Name);
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit;
        return start;
    }

    /// <summary>The runtime's own program and this tool's file; where the tool is one whole program, that alone.</summary>
    private static (string Program, string? Tool) Tool()
    {
        var tool = Path.Combine(AppContext.BaseDirectory, "qwen3next.dll");
        var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return File.Exists(tool) && File.Exists(runtime) ? (runtime, tool) : (Environment.ProcessPath!, null);
    }

    private static async Task FeedAsync(Process process, Stream pdf, CancellationToken cancellationToken)
    {
        await using var input = process.StandardInput.BaseStream;
        var buffer = new byte[64 << 10];
        int count;
        while ((count = await pdf.ReadAsync(buffer, cancellationToken)) > 0)
        {
            try
            {
                await input.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
            catch (IOException)
            {
                return; // it has ended before the file; its exit code says why
            }
        }
    }

    private static async Task<byte[]> ReadAllAsync(Stream output, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        await output.CopyToAsync(all, cancellationToken);
        return all.ToArray();
    }

    /// <summary>What the command says of the file in one line; a process that broke down says too much.</summary>
    private static ApiException Refusal(string error) => ApiException.Bad(
        error.StartsWith(Prefix, StringComparison.Ordinal) && error.TrimEnd().IndexOf('\n', StringComparison.Ordinal) < 0
            ? error[Prefix.Length..].Trim() : "The PDF file cannot be read; it is damaged, or needs more memory than there is for it. Send its text.");
}
