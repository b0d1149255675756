using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Tests;

/// <summary>Kernels that only tests have.</summary>
internal static class TestKernels
{
    /// <summary>A source of this project; it may include the library's headers of Ops/Shared.</summary>
    public static KernelSource Source(string path)
    {
        using var reader = new StreamReader(typeof(TestKernels).Assembly.GetManifestResourceStream(path)!);
        return Source(path, reader.ReadToEnd());
    }

    /// <summary><see cref="Source(string)"/> from its text.</summary>
    public static KernelSource Source(string name, string text)
    {
        var types = KernelSource.Embedded("Ops/Shared/dtype.cuh");
        return new KernelSource(name, text, new Dictionary<string, string>(types.Headers) { ["dtype.cuh"] = types.Text });
    }
}
