using System.Security.Cryptography;

namespace Qwen3Next.AI.Cuda;

/// <summary>
/// Compiled kernels on disk, one file each, found by a hash of all that decides their content. Several processes may share a folder: files are
/// complete when they appear and never change. A damaged file is replaced; a folder that cannot be written costs compile time, nothing else.
/// </summary>
/// <param name="folder">Made when something is first written.</param>
/// <param name="shipped">Kernels that need neither the folder nor a compiler; null where there are none for the GPU.</param>
internal sealed class KernelCache(string folder, KernelArchive? shipped = null)
{
    private readonly Lazy<KernelCompiler> _compiler = new(() => new KernelCompiler());

    /// <summary>QWEN3NEXT_KERNEL_CACHE, or the user's cache folder.</summary>
    public static string DefaultFolder => EnvironmentVariables.KernelCache ?? Path.Combine(UserCache, "qwen3next", "kernels");

    private static string UserCache => OperatingSystem.IsWindows()
        ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
        : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

    /// <summary>The image of a source for a GPU: shipped with the library, or on disk, or compiled now.</summary>
    /// <exception cref="Qwen3NextException">NVRTC is needed and missing, or the source does not compile.</exception>
    public byte[] GetOrCompile(KernelSource source, IReadOnlyList<string> defines, (int Major, int Minor) capability) =>
        shipped?.Find(source, defines) ?? GetOrCompile(source, defines, _compiler.Value.ArchitectureFor(capability));

    /// <summary>The image of a source for an architecture: on disk, or compiled now.</summary>
    /// <exception cref="Qwen3NextException">NVRTC is missing, or the source does not compile.</exception>
    public byte[] GetOrCompile(KernelSource source, IReadOnlyList<string> defines, GpuArchitecture architecture)
    {
        var options = KernelCompiler.Options(defines, architecture);
        var file = Path.Combine(folder, source.Key(options, _compiler.Value.Version));
        if (TryRead(file) is { } stored) return stored;
        var (image, _) = KernelCompiler.Compile(source, options, architecture);
        TryWrite(file, image);
        return image;
    }

    /// <summary>A file is the SHA-256 of the image, then the image.</summary>
    private static byte[]? TryRead(string file)
    {
        try
        {
            var bytes = File.ReadAllBytes(file);
            if (bytes.Length <= SHA256.HashSizeInBytes) return null;
            var image = bytes[SHA256.HashSizeInBytes..];
            return SHA256.HashData(image).AsSpan().SequenceEqual(bytes.AsSpan(0, SHA256.HashSizeInBytes)) ? image : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void TryWrite(string file, byte[] image)
    {
        var unfinished = $"{file}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(unfinished, [.. SHA256.HashData(image), .. image]);
            File.Move(unfinished, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk or a folder of somebody else: the next start compiles again.
            TryDelete(unfinished);
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What could not be written at all cannot be deleted either.
        }
    }
}
