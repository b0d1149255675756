using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI;

/// <summary>The seam between chat and computation: token ids in, token ids out. All members may be used by many threads at once.</summary>
public interface IQwen3NextEngine : IDisposable, IAsyncDisposable
{
    /// <summary>What the model is. Reads small files on first use; never the weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint folder cannot be used.</exception>
    Qwen3NextModelInfo ModelInfo { get; }

    /// <summary>The checkpoint's tokenizer; read on first use.</summary>
    /// <exception cref="CheckpointException">tokenizer.json is missing or damaged.</exception>
    Tokenizer Tokenizer { get; }

    /// <summary>How the engine is now; for health checks and displays.</summary>
    Qwen3NextEngineStatus Status { get; }

    /// <summary>Loads the weights, once; later calls await the first. A failed or cancelled load may be tried again.</summary>
    Task LoadAsync(IProgress<Qwen3NextLoadProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Generates tokens, loading first when needed. Ending the enumeration early, or cancelling, frees the conversation's place within one step.
    /// </summary>
    /// <exception cref="ContextLengthExceededException">The prompt does not fit.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="Qwen3NextException">The engine is draining, or failed.</exception>
    IAsyncEnumerable<GenerationStep> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Takes no new generations from now on, and waits until those under way have ended. Cancelling ends the wait, not the generations.</summary>
    Task DrainAsync(CancellationToken cancellationToken = default);
}

/// <summary>How far loading has come.</summary>
/// <param name="BytesLoaded">Bytes of weights read.</param>
/// <param name="BytesTotal">Bytes of weights in all.</param>
public readonly record struct Qwen3NextLoadProgress(long BytesLoaded, long BytesTotal);
