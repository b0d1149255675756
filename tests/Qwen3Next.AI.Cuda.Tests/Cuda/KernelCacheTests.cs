using Qwen3Next.AI.Cuda;
using Xunit;

namespace Qwen3Next.AI.Tests.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly string[] NoDefines = [];

    private readonly string _folder = Directory.CreateTempSubdirectory("qwen3next-kernels").FullName;
    private readonly KernelCache _cache;
    private readonly (int, int) _capability;

    public KernelCacheTests(CudaFixture cuda)
    {
        _capability = cuda.Device.ComputeCapability;
        _cache = new KernelCache(_folder);
    }

    private string[] Entries => Directory.GetFiles(_folder);

    [Fact]
    public void GetOrCompile_Twice_ReadsTheSecondFromDisk()
    {
        var image = _cache.GetOrCompile(Source(), NoDefines, _capability);
        var entry = Assert.Single(Entries);
        var written = File.GetLastWriteTimeUtc(entry);
        // Only a reader of the file can tell that its time is of old.
        File.SetLastWriteTimeUtc(entry, written.AddDays(-1));
        Assert.Equal(image, _cache.GetOrCompile(Source(), NoDefines, _capability));
        Assert.Equal(written.AddDays(-1), File.GetLastWriteTimeUtc(Assert.Single(Entries)));
        Assert.Equal(image, new KernelCache(_folder).GetOrCompile(Source(), NoDefines, _capability));
        Assert.Equal(written.AddDays(-1), File.GetLastWriteTimeUtc(Assert.Single(Entries)));
    }

    [Fact]
    public void GetOrCompile_AnythingElseThatCounts_IsAnotherEntry()
    {
        _cache.GetOrCompile(Source(), NoDefines, _capability);
        _cache.GetOrCompile(Source("2"), NoDefines, _capability);
        _cache.GetOrCompile(Source(header: "#define STEP 2"), NoDefines, _capability);
        _cache.GetOrCompile(Source(), ["A=1"], _capability);
        _cache.GetOrCompile(Source(), ["A=1", "B"], _capability);
        _cache.GetOrCompile(Source(), NoDefines, (8, 0));
        Assert.Equal(6, Entries.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(-1)]
    public void GetOrCompile_DamagedEntry_IsReplaced(int length)
    {
        var image = _cache.GetOrCompile(Source(), NoDefines, _capability);
        var entry = Assert.Single(Entries);
        var bytes = File.ReadAllBytes(entry);
        bytes[^1] ^= 1;
        File.WriteAllBytes(entry, length < 0 ? bytes : bytes[..length]);
        _cache.GetOrCompile(Source(), NoDefines, _capability);
        bytes[^1] ^= 1;
        Assert.Equal(image.Length, bytes.Length - 32);
        Assert.Equal(bytes.Length, new FileInfo(Assert.Single(Entries)).Length);
    }

    [Fact]
    public void GetOrCompile_FolderThatCannotBe_CompilesAnyway()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.NotEmpty(new KernelCache(Path.Combine(file, "kernels")).GetOrCompile(Source(), NoDefines, _capability));
    }

    [Fact]
    public void GetOrCompile_ManyAtOnce_LeaveOneWholeEntry()
    {
        Parallel.For(0, 4, _ => new KernelCache(_folder).GetOrCompile(Source("5"), NoDefines, _capability));
        var entry = Assert.Single(Entries);
        File.SetLastWriteTimeUtc(entry, DateTime.UnixEpoch);
        _cache.GetOrCompile(Source("5"), NoDefines, _capability);
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(entry));
    }

    [Fact]
    public void GetOrCompile_Shipped_TakesNeitherFolderNorCompiler()
    {
        byte[] image = [1, 2, 3];
        var shipped = new KernelCache(_folder, Archive(Source(), ["A=1"], image));
        Assert.Equal(image, shipped.GetOrCompile(Source(), ["A=1"], _capability));
        Assert.Empty(Entries);
    }

    [Fact]
    public void GetOrCompile_AnythingElseThanShipped_IsCompiled()
    {
        byte[] image = [1, 2, 3];
        var shipped = new KernelCache(_folder, Archive(Source(), ["A=1"], image));
        Assert.NotEqual(image, shipped.GetOrCompile(Source(), ["A=2"], _capability));
        Assert.NotEqual(image, shipped.GetOrCompile(Source("2"), ["A=1"], _capability));
        Assert.NotEqual(image, shipped.GetOrCompile(Source(header: "#define STEP 2"), ["A=1"], _capability));
        Assert.Equal(3, Entries.Length);
    }

    [Theory]
    [InlineData(8, 7, "sm_86")]
    [InlineData(9, 0, "sm_90a")]
    [InlineData(10, 0, "compute_90")]
    [InlineData(12, 0, "compute_90")]
    public void ArchitectureFor_LaterGenerations_IsPtx(int major, int minor, string name) => Assert.Equal(name, KernelArchive.ArchitectureFor((major, minor)).Name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>As a package has it: written and read.</summary>
    private KernelArchive Archive(KernelSource source, string[] defines, byte[] image)
    {
        var archive = new KernelArchive(KernelArchive.ArchitectureFor(_capability), "12.4");
        archive.Add(source, defines, image);
        using var stream = new MemoryStream();
        archive.Write(stream);
        stream.Position = 0;
        return KernelArchive.Read(stream, archive.Architecture);
    }

    private static KernelSource Source(string step = "STEP", string header = "#define STEP 1") =>
        new("add.cu", $$"""
            #include "step.cuh"
            extern "C" __global__ void add(int* x) { x[threadIdx.x] += {{step}}; }
            """, new Dictionary<string, string> { ["step.cuh"] = header });
}
