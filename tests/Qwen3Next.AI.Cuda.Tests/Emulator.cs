using System.Runtime.InteropServices;
using System.Text;
using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Tests;

/// <summary>The emulated CUDA device of tests/Qwen3Next.AI.Cuda.Emulator; its README has the settings.</summary>
internal static unsafe class Emulator
{
    private static nint _library;

    /// <summary>Makes the library load the emulator as driver and as compiler, unless others are named. False where it was not built.</summary>
    public static bool Use()
    {
        if (Folder() is not { } folder) return false;
        var file = Path.Combine(folder, "libqwen3next-cuda-emulator.so");
        if (EnvironmentVariables.CudaDriver is null) Environment.SetEnvironmentVariable(EnvironmentVariables.CudaDriverName, file);
        if (EnvironmentVariables.Nvrtc is null) Environment.SetEnvironmentVariable(EnvironmentVariables.NvrtcName, file);
        if (EnvironmentVariables.KernelCache is null) Environment.SetEnvironmentVariable(EnvironmentVariables.KernelCacheName, Path.Combine(folder, "kernels"));
        _library = NativeLibrary.Load(file);
        return true;
    }

    /// <summary>Changes a setting until the result is disposed.</summary>
    /// <param name="name">The part of its name after QWEN3NEXT_EMULATOR_.</param>
    public static IDisposable With(string name, long value, long normally)
    {
        Configure(name, value);
        return new Restore(name, normally);
    }

    /// <summary>Forgets a sticky error.</summary>
    public static void Recover() => ((delegate* unmanaged<void>)NativeLibrary.GetExport(_library, "emulator_recover"))();

    private static void Configure(string name, long value)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes($"QWEN3NEXT_EMULATOR_{name}\0"))
            ((delegate* unmanaged<byte*, nint, void>)NativeLibrary.GetExport(_library, "emulator_configure"))(text, (nint)value);
    }

    private static string? Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "Qwen3Next.AI.Cuda.Emulator", "bin");
            if (File.Exists(Path.Combine(candidate, "libqwen3next-cuda-emulator.so"))) return candidate;
        }
        return null;
    }

    private sealed class Restore(string name, long value) : IDisposable
    {
        public void Dispose() => Configure(name, value);
    }
}
