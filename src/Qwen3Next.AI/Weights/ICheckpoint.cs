using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Weights;

/// <summary>Named tensors of a model, whatever they come from. The tensors stay valid until it is disposed.</summary>
internal interface ICheckpoint : IDisposable
{
    /// <summary>What to call this source in messages: a file or folder.</summary>
    string Name { get; }

    /// <summary>All tensor names.</summary>
    IReadOnlyCollection<string> TensorNames { get; }

    /// <summary>The file that holds a tensor, for messages.</summary>
    string FileOf(string tensor);

    /// <summary>Finds a tensor by its checkpoint name.</summary>
    bool TryGet(string name, out Tensor tensor);
}
