using System.IO.Compression;

namespace Qwen3Next.AI.Cuda;

/// <summary>
/// Kernels that were compiled when the package was made, for one architecture: images by their source's key, so that only an image of exactly the
/// text and options that the library asks for is ever found. On disk: compiler version, count, then key and image of each, all of it
/// compressed as one, because images of the same source are much alike.
/// </summary>
internal sealed class KernelArchive
{
    private readonly Dictionary<string, byte[]> _images = new(StringComparer.Ordinal);

    /// <param name="architecture">Of all images.</param>
    /// <param name="compiler">Version of what made them.</param>
    public KernelArchive(GpuArchitecture architecture, string compiler) => (Architecture, Compiler) = (architecture, compiler);

    public GpuArchitecture Architecture { get; }

    public string Compiler { get; }

    public int Count => _images.Count;

    /// <summary>
    /// What packages have kernels for. PTX of the last one serves the GPUs of later generations, whichever NVRTC made the package.
    /// </summary>
    public static GpuArchitecture ArchitectureFor((int Major, int Minor) capability) => GpuArchitecture.For(capability, [80, 86, 89, 90]);

    /// <summary>What the library brings for a GPU; null in a build without precompiled kernels, or where the user names a compiler and so wants it used.</summary>
    public static KernelArchive? Embedded((int Major, int Minor) capability)
    {
        if (EnvironmentVariables.Nvrtc is not null) return null;
        var architecture = ArchitectureFor(capability);
        using var stream = typeof(KernelArchive).Assembly.GetManifestResourceStream($"kernels/{architecture.Name}");
        return stream is null ? null : Read(stream, architecture);
    }

    public static KernelArchive Read(Stream stream, GpuArchitecture architecture)
    {
        using var reader = new BinaryReader(new BrotliStream(stream, CompressionMode.Decompress, leaveOpen: true));
        var archive = new KernelArchive(architecture, reader.ReadString());
        for (var left = reader.ReadInt32(); left > 0; left--) archive._images.Add(reader.ReadString(), reader.ReadBytes(reader.ReadInt32()));
        return archive;
    }

    public void Write(Stream stream)
    {
        using var writer = new BinaryWriter(new BrotliStream(stream, CompressionLevel.SmallestSize, leaveOpen: true));
        writer.Write(Compiler);
        writer.Write(_images.Count);
        foreach (var (key, image) in _images)
        {
            writer.Write(key);
            writer.Write(image.Length);
            writer.Write(image);
        }
    }

    /// <summary>The image of a source, or null.</summary>
    public byte[]? Find(KernelSource source, IReadOnlyList<string> defines) => _images.GetValueOrDefault(Key(source, defines));

    /// <summary>Adds an image; images of one source after another compress best.</summary>
    public void Add(KernelSource source, IReadOnlyList<string> defines, byte[] image) => _images.Add(Key(source, defines), image);

    private string Key(KernelSource source, IReadOnlyList<string> defines) => source.Key(KernelCompiler.Options(defines, Architecture), Compiler);
}
