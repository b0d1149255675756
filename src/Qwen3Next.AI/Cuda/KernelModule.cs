using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>Compiled kernels of one source, loaded on a device.</summary>
internal sealed unsafe class KernelModule : ContextObject
{
    internal KernelModule(ContextHandle context, CudaDevice device, string name, ReadOnlySpan<byte> image) : base(context)
    {
        (Device, Name) = (device, name);
        fixed (byte* first = image)
        {
            var result = Driver.ModuleLoadData(out var module, first);
            if (result != CudaResult.Success)
                throw Driver.Error(result, $"Loading the kernels of {name} on {device.Name}", "A newer driver, or an NVRTC no newer than the driver, may help.");
            Own(module);
        }
    }

    public CudaDevice Device { get; }

    /// <summary>The source's name, for messages.</summary>
    public string Name { get; }

    /// <summary>The function of that name.</summary>
    /// <param name="name">As in the source, extern "C".</param>
    /// <param name="overlaps">
    /// May start while the kernel before it still runs (programmatic dependent launch). Such a kernel must call <c>wait_for_previous_kernel</c> in
    /// every thread before it reads what earlier kernels wrote or writes what they read.
    /// </param>
    public Kernel GetKernel(string name, bool overlaps = false)
    {
        MakeCurrent();
        var result = Driver.ModuleGetFunction(out var function, this, name);
        if (result != CudaResult.Success) throw Driver.Error(result, $"Finding kernel {name} in {Name}");
        return new Kernel(this, name, function, overlaps);
    }

    internal void MakeCurrent() => Context.MakeCurrent();

    protected override CudaResult Free(nint freed) => Driver.ModuleUnload(freed);
}
