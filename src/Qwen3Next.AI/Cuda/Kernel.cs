using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>A function of a <see cref="KernelModule"/>, valid while that lives.</summary>
internal sealed unsafe class Kernel
{
    /// <summary>Dynamic shared bytes that a kernel may use without asking.</summary>
    private const int GrantedSharedBytes = 48 << 10;

    private readonly KernelModule _module;
    private readonly nint _function;
    private readonly bool _overlaps;
    private int _sharedLimit;

    internal Kernel(KernelModule module, string name, nint function, bool overlaps)
    {
        (_module, Name, _function, _overlaps) = (module, name, function, overlaps);
        StaticSharedBytes = Attribute(FunctionAttribute.StaticSharedBytes);
        MaxThreads = Attribute(FunctionAttribute.MaxThreadsPerBlock);
        LocalBytes = Attribute(FunctionAttribute.LocalBytes);
        Registers = Attribute(FunctionAttribute.Registers);
        _sharedLimit = GrantedSharedBytes - StaticSharedBytes;
    }

    public string Name { get; }

    /// <summary>Shared bytes that every block takes besides what a launch asks for.</summary>
    public int StaticSharedBytes { get; }

    /// <summary>Most threads of a block, by registers and launch bounds.</summary>
    public int MaxThreads { get; }

    /// <summary>Bytes a thread keeps in local memory: more than 0 means spilled registers or an indexed array.</summary>
    public int LocalBytes { get; }

    /// <summary>Registers of a thread.</summary>
    public int Registers { get; }

    /// <summary>Queues one run. Allocates nothing.</summary>
    /// <param name="stream">Where it runs, in order.</param>
    /// <param name="grid">Blocks; x up to 2^31 - 1, y and z up to 65,535.</param>
    /// <param name="block">Threads of a block, up to 1,024 and <see cref="MaxThreads"/>.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <param name="arguments">In the kernel's order: addresses, integers, floats.</param>
    /// <exception cref="CudaException">The launch is beyond a limit, or earlier work failed.</exception>
    public void Launch(CudaStream stream, Dim3 grid, Dim3 block, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments)
    {
        _module.MakeCurrent();
        if (sharedBytes > _sharedLimit) RaiseSharedLimit(sharedBytes);
        var overlap = new LaunchAttribute { Id = LaunchAttribute.ProgrammaticStreamSerialization, Value = 1 };
        var config = new LaunchConfig
        {
            GridX = (uint)grid.X, GridY = (uint)grid.Y, GridZ = (uint)grid.Z,
            BlockX = (uint)block.X, BlockY = (uint)block.Y, BlockZ = (uint)block.Z,
            SharedBytes = (uint)sharedBytes,
            Stream = stream.DangerousGetHandle(),
            Attributes = &overlap,
            AttributeCount = _overlaps ? 1u : 0,
        };
        // The null at the end is not part of the driver's contract; it lets an emulator compare the count with the kernel's parameters.
        var pointers = stackalloc void*[arguments.Length + 1];
        fixed (KernelArgument* first = arguments)
        {
            for (var i = 0; i < arguments.Length; i++) pointers[i] = first + i;
            pointers[arguments.Length] = null;
            var result = Driver.LaunchKernelEx(&config, _function, pointers, null);
            if (result != CudaResult.Success) throw Driver.Error(result, $"Launch of {this}, grid {grid}, block {block}, {sharedBytes} shared bytes,");
        }
        GC.KeepAlive(stream);
    }

    /// <summary>For messages: the function, and the source it is from.</summary>
    public override string ToString() => $"kernel {Name} of {_module.Name}";

    private void RaiseSharedLimit(int sharedBytes)
    {
        var most = _module.Device.MaxSharedBytes - StaticSharedBytes;
        if (sharedBytes > most)
            throw new Qwen3NextException($"{this} asks for {sharedBytes} bytes of dynamic shared memory; {_module.Device.Name} grants a block {most} beside {StaticSharedBytes} static ones. Choose smaller tiles.");
        Driver.Check(Driver.FuncSetAttribute(_function, FunctionAttribute.MaxDynamicSharedBytes, sharedBytes));
        _sharedLimit = sharedBytes;
    }

    private int Attribute(FunctionAttribute attribute)
    {
        Driver.Check(Driver.FuncGetAttribute(out var value, attribute, _function));
        return value;
    }
}
