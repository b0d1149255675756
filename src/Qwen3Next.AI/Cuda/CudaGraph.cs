using Qwen3Next.AI.Cuda.Interop;

namespace Qwen3Next.AI.Cuda;

/// <summary>Work recorded by <see cref="CudaStream.Capture"/>, with its addresses and arguments fixed; replayed as one launch.</summary>
internal sealed class CudaGraph : ContextObject
{
    internal CudaGraph(ContextHandle context, nint graph) : base(context)
    {
        Driver.Check(Driver.GraphInstantiate(out var executable, graph, 0));
        Own(executable);
    }

    /// <summary>Queues one replay.</summary>
    public void Launch(CudaStream stream)
    {
        Context.MakeCurrent();
        Driver.Check(Driver.GraphLaunch(this, stream));
    }

    protected override CudaResult Free(nint freed) => Driver.GraphExecDestroy(freed);
}
