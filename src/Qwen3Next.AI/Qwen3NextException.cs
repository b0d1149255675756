namespace Qwen3Next.AI;

/// <summary>Base of all errors that this library raises by itself. The message says what failed, the value, the limit and what to change.</summary>
public class Qwen3NextException : Exception
{
    /// <summary>Creates the error with its message.</summary>
    public Qwen3NextException(string message) : base(message) { }

    /// <summary>Creates the error with its message and cause.</summary>
    public Qwen3NextException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>Creates the error with a general message.</summary>
    public Qwen3NextException() : base("Qwen3Next.AI failed.") { }
}

/// <summary>The checkpoint cannot be used: a file, a tensor or a setting in it is missing, damaged or not supported.</summary>
public sealed class CheckpointException : Qwen3NextException
{
    /// <inheritdoc/>
    public CheckpointException(string message) : base(message) { }

    /// <inheritdoc/>
    public CheckpointException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc/>
    public CheckpointException() { }
}

/// <summary>The prompt, or prompt plus answer, does not fit into the context. Shorten the conversation or raise <see cref="Qwen3NextOptions.MaxContextTokens"/>.</summary>
public sealed class ContextLengthExceededException : Qwen3NextException
{
    /// <inheritdoc/>
    public ContextLengthExceededException(string message) : base(message) { }

    /// <inheritdoc/>
    public ContextLengthExceededException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc/>
    public ContextLengthExceededException() { }
}

/// <summary>The waiting line is full. Try again later, or raise <see cref="Qwen3NextOptions.MaxQueueLength"/>.</summary>
public sealed class QueueFullException : Qwen3NextException
{
    /// <inheritdoc/>
    public QueueFullException(string message) : base(message) { }

    /// <inheritdoc/>
    public QueueFullException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc/>
    public QueueFullException() { }
}

/// <summary>The answer was not complete within <see cref="Engine.GenerationRequest.Deadline"/>; what came before is valid.</summary>
public sealed class DeadlineExceededException : Qwen3NextException
{
    /// <inheritdoc/>
    public DeadlineExceededException(string message) : base(message) { }

    /// <inheritdoc/>
    public DeadlineExceededException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc/>
    public DeadlineExceededException() { }
}
