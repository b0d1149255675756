using System.Runtime.InteropServices;
using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>Compiles kernels by NVRTC. May be used by several threads.</summary>
internal sealed unsafe class KernelCompiler
{
    private readonly int[] _architectures;

    /// <exception cref="Qwen3NextException">There is no NVRTC.</exception>
    public KernelCompiler()
    {
        if (!NativeLibraries.HasNvrtc) throw new Qwen3NextException(NativeLibraries.NoNvrtc);
        Nvrtc.Check(Nvrtc.Version(out var major, out var minor));
        Version = $"{major}.{minor}";
        Nvrtc.Check(Nvrtc.GetNumSupportedArchs(out var count));
        _architectures = new int[count];
        fixed (int* first = _architectures) Nvrtc.Check(Nvrtc.GetSupportedArchs(first));
    }

    public string Version { get; }

    /// <summary>What to compile for, so that a GPU can run it.</summary>
    public GpuArchitecture ArchitectureFor((int Major, int Minor) capability) => GpuArchitecture.For(capability, _architectures);

    /// <summary>Options of one compilation, in NVRTC's words. What they are decides the result, so they are part of a cache's key.</summary>
    public static string[] Options(IReadOnlyList<string> defines, GpuArchitecture architecture) =>
        ["--std=c++17", $"--gpu-architecture={architecture.Name}", .. defines.Select(define => $"-D{define}")];

    /// <summary>Compiles a source.</summary>
    /// <returns>The image to load, and the compiler's remarks, mostly empty.</returns>
    /// <exception cref="Qwen3NextException">The source is wrong; the message has the compiler's log.</exception>
    public static (byte[] Image, string Log) Compile(KernelSource source, string[] options, GpuArchitecture architecture)
    {
        using var program = new ProgramHandle(source);
        var result = Nvrtc.CompileProgram(program, options.Length, options);
        Nvrtc.Check(Nvrtc.GetProgramLogSize(program, out var bytes));
        var log = new byte[bytes];
        fixed (byte* first = log) Nvrtc.Check(Nvrtc.GetProgramLog(program, first));
        var text = System.Text.Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
        if (result == Nvrtc.CompilationError)
            throw new Qwen3NextException($"Compiling {source.Name} with {string.Join(' ', options)} failed:\n{text}");
        Nvrtc.Check(result, nameof(Nvrtc.CompileProgram));
        return (architecture.IsPtx ? Ptx(program) : Cubin(program), text);
    }

    private static byte[] Cubin(ProgramHandle program)
    {
        Nvrtc.Check(Nvrtc.GetCUBINSize(program, out var bytes));
        var image = new byte[bytes];
        fixed (byte* first = image) Nvrtc.Check(Nvrtc.GetCUBIN(program, first));
        return image;
    }

    private static byte[] Ptx(ProgramHandle program)
    {
        Nvrtc.Check(Nvrtc.GetPTXSize(program, out var bytes));
        var image = new byte[bytes];
        fixed (byte* first = image) Nvrtc.Check(Nvrtc.GetPTX(program, first));
        return image;
    }

    private sealed class ProgramHandle : SafeHandle
    {
        public ProgramHandle(KernelSource source) : base(0, ownsHandle: true) =>
            Nvrtc.Check(Nvrtc.CreateProgram(out handle, source.Text, source.Name, source.Headers.Count, [.. source.Headers.Values], [.. source.Headers.Keys]));

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => Nvrtc.DestroyProgram(ref handle) == Nvrtc.Success;
    }
}
