using Qwen3Next.AI.Cuda;

namespace Qwen3Next.AI.Ops;

/// <summary>Recorded steps by shape. A shape's first run is computed as it is called, which loads kernels and sizes scratch memory; its second is recorded.</summary>
internal sealed class CudaGraphs(CudaStream stream) : IDisposable
{
    private const int Most = 64;

    private readonly Dictionary<StepShape, CudaGraph?> _graphs = [];

    public void Run(in StepShape shape, Action compute)
    {
        if (!_graphs.TryGetValue(shape, out var graph))
        {
            compute();
            if (_graphs.Count >= Most) Clear();
            _graphs.Add(shape, null);
            return;
        }
        if (graph is null) _graphs[shape] = graph = stream.Capture(compute);
        graph.Launch(stream);
    }

    /// <summary>Forgets everything recorded: an address in it is no longer valid.</summary>
    public void Clear()
    {
        foreach (var graph in _graphs.Values) graph?.Dispose();
        _graphs.Clear();
    }

    public void Dispose() => Clear();
}
