using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>
/// One GPU, opened in the process's primary context. Makes everything that lives on it; what it made may outlive it, the context goes last.
/// All members may be called from any thread.
/// </summary>
internal sealed unsafe class CudaDevice : IDisposable
{
    /// <summary>CUDA 12.3: since then graphs can hold kernels that start before the one ahead of them has ended.</summary>
    private const int LeastDriverVersion = 12030;

    private static readonly ConcurrentDictionary<(string Source, string Defines, (int Major, int Minor) Capability), bool> AllLoaded = new();

    private readonly ContextHandle _context;
    private readonly KernelCache _kernels;

    private CudaDevice(int ordinal, int device)
    {
        Ordinal = ordinal;
        ComputeCapability = (Attribute(DeviceAttribute.ComputeCapabilityMajor), Attribute(DeviceAttribute.ComputeCapabilityMinor));
        Multiprocessors = Attribute(DeviceAttribute.Multiprocessors);
        MaxSharedBytes = Attribute(DeviceAttribute.SharedBytesPerBlockOptIn);
        L2CacheBytes = Attribute(DeviceAttribute.L2CacheBytes);
        Driver.Check(Driver.DeviceTotalMem(out var total, device));
        TotalBytes = (long)total;
        var name = stackalloc byte[256];
        Driver.Check(Driver.DeviceGetName(name, 256, device));
        Name = Marshal.PtrToStringUTF8((nint)name)!;
        if (ComputeCapability.Major < 8)
            throw new Qwen3NextException($"GPU {ordinal}, {Name}, has compute capability {ComputeCapability.Major}.{ComputeCapability.Minor}; 8.0 (Ampere) is the least. Choose another GPU, or set Device to Cpu.");
        _context = new ContextHandle(device);
        _kernels = new KernelCache(KernelCache.DefaultFolder, KernelArchive.Embedded(ComputeCapability));

        int Attribute(DeviceAttribute attribute)
        {
            Driver.Check(Driver.DeviceGetAttribute(out var value, attribute, device));
            return value;
        }
    }

    /// <summary>The driver's number of the GPU, from 0, after CUDA_VISIBLE_DEVICES.</summary>
    public int Ordinal { get; }

    public string Name { get; }

    public (int Major, int Minor) ComputeCapability { get; }

    public int Multiprocessors { get; }

    /// <summary>Shared bytes, static and dynamic, that one block can have.</summary>
    public int MaxSharedBytes { get; }

    public int L2CacheBytes { get; }

    public long TotalBytes { get; }

    /// <summary>Device memory that nobody uses at this moment.</summary>
    public long FreeBytes
    {
        get
        {
            _context.MakeCurrent();
            Driver.Check(Driver.MemGetInfo(out var free, out _));
            return (long)free;
        }
    }

    /// <summary>What this process has loaded so far: sources, their macros separated by spaces, and the compute capability of the device.</summary>
    public static IEnumerable<(string Source, string Defines, (int Major, int Minor) Capability)> Loaded => AllLoaded.Keys;

    /// <summary>Opens a GPU.</summary>
    /// <exception cref="Qwen3NextException">There is no driver, no GPU, none of that number, or it is too old. The message has the remedy.</exception>
    public static CudaDevice Open(int ordinal = 0)
    {
        if (!NativeLibraries.HasDriver) throw new Qwen3NextException(NativeLibraries.NoDriver);
        var started = Driver.Init(0);
        var count = 0;
        if (started == CudaResult.Success) Driver.Check(Driver.DeviceGetCount(out count));
        else if (started != CudaResult.NoDevice) throw Driver.Error(started, "Starting the CUDA driver", "Check that nvidia-smi works.");
        if (count == 0)
            throw new Qwen3NextException("The CUDA driver finds no GPU. Check nvidia-smi and CUDA_VISIBLE_DEVICES, or set Device to Cpu.");
        Driver.Check(Driver.DriverGetVersion(out var version));
        if (version < LeastDriverVersion)
            throw new Qwen3NextException($"The NVIDIA driver supports CUDA {version / 1000}.{version % 1000 / 10}; 12.3 is the least. Install a newer driver.");
        if (ordinal < 0 || ordinal >= count)
            throw new Qwen3NextException($"There is no GPU {ordinal}: the CUDA driver has {count}, numbered from 0. Check CUDA_VISIBLE_DEVICES.");
        Driver.Check(Driver.DeviceGet(out var device, ordinal));
        return new CudaDevice(ordinal, device);
    }

    /// <summary>Memory of this device, not cleared.</summary>
    /// <exception cref="CudaException">Too little is free.</exception>
    public DeviceMemory Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        try
        {
            return new DeviceMemory(_context, bytes);
        }
        catch (CudaException error) when (error.Code == (int)CudaResult.OutOfMemory)
        {
            throw new CudaException(error.Code, error.Name,
                $"GPU {Ordinal}, {Name}, has {Mib(FreeBytes)} free of {Mib(TotalBytes)}; {Mib(bytes)} more are needed ({error.Name}).",
                "Lower MaxContextTokens, KvCacheBytes, MaxConcurrentRequests or MaxBatchTokens, or free memory that other processes use.");
        }
    }

    public PinnedMemory AllocatePinned(long bytes) => new(_context, bytes);

    public CudaStream CreateStream() => new(_context);

    /// <param name="timing">Can measure times, which makes it a little slower.</param>
    public CudaEvent CreateEvent(bool timing = false) => new(_context, timing);

    /// <summary>Loads a source's kernels for this device; compiles them where they neither come with the library nor lie in the disk cache.</summary>
    /// <param name="source">Kernels and the headers they include.</param>
    /// <param name="defines">Macros as NAME or NAME=VALUE.</param>
    /// <exception cref="Qwen3NextException">NVRTC is missing, or the source does not compile; then the message has the compiler's log.</exception>
    public KernelModule Load(KernelSource source, params ReadOnlySpan<string> defines)
    {
        AllLoaded[(source.Name, string.Join(' ', defines), ComputeCapability)] = true;
        return new KernelModule(_context, this, source.Name, _kernels.GetOrCompile(source, [.. defines], ComputeCapability));
    }

    /// <summary>Gives the context up; it ends once all that lives in it is disposed.</summary>
    public void Dispose() => _context.Dispose();

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
