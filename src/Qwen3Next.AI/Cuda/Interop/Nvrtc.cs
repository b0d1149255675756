using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Cuda.Interop;

/// <summary>NVIDIA's run-time compiler. Names and arguments are its own, without "nvrtc". Needs neither GPU nor driver.</summary>
internal static unsafe partial class Nvrtc
{
    public const int Success = 0, CompilationError = 6;

    private const string Library = NativeLibraries.Nvrtc;

    static Nvrtc() => RuntimeHelpers.RunClassConstructor(typeof(NativeLibraries).TypeHandle);

    /// <summary>Throws unless the call succeeded.</summary>
    public static void Check(int result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result != Success)
            throw new Qwen3NextException($"nvrtc{call.Split('(')[0].Split('.')[^1]} failed with {Marshal.PtrToStringUTF8((nint)GetErrorString(result))} ({result}).");
    }

    [LibraryImport(Library, EntryPoint = "nvrtcGetErrorString")]
    private static partial byte* GetErrorString(int result);

    [LibraryImport(Library, EntryPoint = "nvrtcVersion")]
    public static partial int Version(out int major, out int minor);

    [LibraryImport(Library, EntryPoint = "nvrtcGetNumSupportedArchs")]
    public static partial int GetNumSupportedArchs(out int count);

    [LibraryImport(Library, EntryPoint = "nvrtcGetSupportedArchs")]
    public static partial int GetSupportedArchs(int* architectures);

    [LibraryImport(Library, EntryPoint = "nvrtcCreateProgram", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateProgram(out nint program, string source, string name, int headerCount, string[] headers, string[] includeNames);

    [LibraryImport(Library, EntryPoint = "nvrtcDestroyProgram")]
    public static partial int DestroyProgram(ref nint program);

    [LibraryImport(Library, EntryPoint = "nvrtcCompileProgram", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CompileProgram(SafeHandle program, int optionCount, string[] options);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLogSize")]
    public static partial int GetProgramLogSize(SafeHandle program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLog")]
    public static partial int GetProgramLog(SafeHandle program, byte* log);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBINSize")]
    public static partial int GetCUBINSize(SafeHandle program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBIN")]
    public static partial int GetCUBIN(SafeHandle program, byte* image);

    [LibraryImport(Library, EntryPoint = "nvrtcGetPTXSize")]
    public static partial int GetPTXSize(SafeHandle program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetPTX")]
    public static partial int GetPTX(SafeHandle program, byte* image);
}
