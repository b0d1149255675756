using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Cuda.Interop;

/// <summary>The part of the CUDA driver interface in use. Names and arguments are the driver's, without "cu" and version suffix.</summary>
internal static unsafe partial class Driver
{
    /// <summary>Streams of ours do not wait for the legacy default stream that other code of the process may use.</summary>
    public const uint StreamNonBlocking = 1;

    public const uint EventDefault = 0, EventDisableTiming = 2;

    /// <summary>Only calls of the capturing thread itself are checked for what a capture forbids.</summary>
    public const int CaptureThreadLocal = 1;

    private const string Library = NativeLibraries.Driver;

    static Driver() => RuntimeHelpers.RunClassConstructor(typeof(NativeLibraries).TypeHandle);

    /// <summary>Throws a <see cref="CudaException"/> unless the call succeeded.</summary>
    public static void Check(CudaResult result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result != CudaResult.Success) throw Error(result, "cu" + call.Split('(')[0].Split('.')[^1]);
    }

    /// <summary>The error of a failed call.</summary>
    /// <param name="what">What was tried, as the subject of the message's first sentence.</param>
    /// <param name="remedy">What to change, where more is known than the code says.</param>
    public static CudaException Error(CudaResult result, string what, string? remedy = null)
    {
        var name = GetErrorName(result, out var text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text)! : "an unknown error";
        var description = GetErrorString(result, out text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text)! : "no description";
        return new CudaException((int)result, name, $"{what} failed with {name} ({(int)result}): {description}.", remedy);
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    public static partial CudaResult Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDriverGetVersion")]
    public static partial CudaResult DriverGetVersion(out int version);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    private static partial CudaResult GetErrorName(CudaResult error, out byte* text);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    private static partial CudaResult GetErrorString(CudaResult error, out byte* text);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    public static partial CudaResult DeviceGetCount(out int count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    public static partial CudaResult DeviceGet(out int device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    public static partial CudaResult DeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial CudaResult DeviceTotalMem(out nuint bytes, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetAttribute")]
    public static partial CudaResult DeviceGetAttribute(out int value, DeviceAttribute attribute, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial CudaResult DevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial CudaResult DevicePrimaryCtxRelease(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial CudaResult CtxSetCurrent(nint context);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    public static partial CudaResult StreamCreate(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    public static partial CudaResult StreamDestroy(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    public static partial CudaResult StreamSynchronize(SafeHandle stream);

    [LibraryImport(Library, EntryPoint = "cuStreamWaitEvent")]
    public static partial CudaResult StreamWaitEvent(SafeHandle stream, SafeHandle recorded, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventCreate")]
    public static partial CudaResult EventCreate(out nint created, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static partial CudaResult EventDestroy(nint destroyed);

    [LibraryImport(Library, EntryPoint = "cuEventRecord")]
    public static partial CudaResult EventRecord(SafeHandle recorded, SafeHandle stream);

    [LibraryImport(Library, EntryPoint = "cuEventSynchronize")]
    public static partial CudaResult EventSynchronize(SafeHandle recorded);

    [LibraryImport(Library, EntryPoint = "cuEventQuery")]
    public static partial CudaResult EventQuery(SafeHandle recorded);

    [LibraryImport(Library, EntryPoint = "cuEventElapsedTime")]
    public static partial CudaResult EventElapsedTime(out float milliseconds, SafeHandle start, SafeHandle end);
}
