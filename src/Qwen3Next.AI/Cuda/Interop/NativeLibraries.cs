using System.Reflection;
using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Cuda.Interop;

/// <summary>Finds the native libraries that the bindings name. Each is loaded once and stays loaded.</summary>
internal static class NativeLibraries
{
    public const string Driver = "qwen3next-cuda-driver", Nvrtc = "qwen3next-nvrtc";

    private static readonly Lazy<nint> DriverLibrary = new(() => Load(EnvironmentVariables.CudaDriver, DriverNames, out _));
    private static readonly Lazy<nint> NvrtcLibrary = new(LoadNvrtc);

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>The driver could be loaded. Ask before the first call of <see cref="Interop.Driver"/>.</summary>
    public static bool HasDriver => DriverLibrary.Value != 0;

    /// <summary>NVRTC could be loaded. Ask before the first call of <see cref="Interop.Nvrtc"/>.</summary>
    public static bool HasNvrtc => NvrtcLibrary.Value != 0;

    /// <summary>Why there is no driver, and the remedy.</summary>
    public static string NoDriver => Missing("the CUDA driver", EnvironmentVariables.CudaDriverName, EnvironmentVariables.CudaDriver, DriverNames,
        "Install NVIDIA's driver, or set Device to Cpu.");

    /// <summary>Why there is no NVRTC, and the remedy.</summary>
    public static string NoNvrtc => Missing("NVRTC, which compiles kernels,", EnvironmentVariables.NvrtcName, EnvironmentVariables.Nvrtc, NvrtcNames,
        $"Install NVIDIA's NVRTC of CUDA 12 or 13 (a part of the CUDA toolkit), put it beside the application, or name its file in {EnvironmentVariables.NvrtcName}.");

    private static string[] NvrtcNames => OperatingSystem.IsWindows() ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"] : ["libnvrtc.so.13", "libnvrtc.so.12"];

    private static string[] DriverNames => OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1"];

    /// <summary>Loads the named file, and only that when one is named; else the first candidate that loads. Zero when none does.</summary>
    /// <param name="named">The user's choice.</param>
    /// <param name="candidates">Names and paths, best first.</param>
    /// <param name="loaded">Which it was.</param>
    public static nint Load(string? named, IEnumerable<string> candidates, out string? loaded)
    {
        foreach (var candidate in named is null ? candidates : [named])
        {
            loaded = candidate;
            if (NativeLibrary.TryLoad(candidate, out var library)) return library;
        }
        loaded = null;
        return 0;
    }

    private static nint LoadNvrtc()
    {
        var library = Load(EnvironmentVariables.Nvrtc, NvrtcFiles(), out var file);
        // NVRTC opens its second library by name alone, and finds it in a folder outside the system's search only if it is loaded already.
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder)
            foreach (var builtins in Directory.EnumerateFiles(folder, "*nvrtc-builtins*")) NativeLibrary.TryLoad(builtins, out _);
        return library;
    }

    /// <summary>Names for the system's own search, then files beside the application and in the folders of installed toolkits; newest first.</summary>
    private static IEnumerable<string> NvrtcFiles()
    {
        foreach (var name in NvrtcNames) yield return name;
        foreach (var folder in ToolkitFolders(OperatingSystem.IsWindows()))
            foreach (var name in NvrtcNames)
                if (Path.Combine(folder, name) is var file && File.Exists(file)) yield return file;
    }

    private static IEnumerable<string> ToolkitFolders(bool windows)
    {
        yield return AppContext.BaseDirectory;
        if (Environment.GetEnvironmentVariable("CUDA_PATH") is { Length: > 0 } toolkit)
        {
            yield return Path.Combine(toolkit, windows ? "bin" : "lib64");
            if (windows) yield return Path.Combine(toolkit, "bin", "x64");
        }
        if (windows || !Directory.Exists("/usr/local")) yield break;
        foreach (var folder in Directory.EnumerateDirectories("/usr/local", "cuda*").OrderDescending()) yield return Path.Combine(folder, "lib64");
    }

    private static string Missing(string what, string variable, string? named, string[] names, string remedy) => named is null
        ? $"Loading {what} failed: no {string.Join(" or ", names)} was found. {remedy}"
        : $"Loading {what} failed: {variable} names '{named}', which cannot be loaded. Correct it or remove it.";

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name switch
    {
        Driver => DriverLibrary.Value,
        Nvrtc => NvrtcLibrary.Value,
        _ => 0,
    };
}
