namespace Qwen3Next.AI;

/// <summary>A call of the CUDA driver failed, or a kernel did.</summary>
public sealed class CudaException : Qwen3NextException
{
    /// <inheritdoc/>
    public CudaException(string message) : base(message) { }

    /// <inheritdoc/>
    public CudaException(string message, Exception innerException) : base(message, innerException) { }

    /// <inheritdoc/>
    public CudaException() { }

    internal CudaException(int code, string name, string failure, string? remedy = null) : base(WithRemedy(code, failure, remedy))
    {
        Code = code;
        Name = name;
    }

    /// <summary>The driver's number for the error, such as 700; 0 where the error was not the driver's.</summary>
    public int Code { get; }

    /// <summary>The driver's name for the error, such as CUDA_ERROR_ILLEGAL_ADDRESS; empty where the error was not the driver's.</summary>
    public string Name { get; } = "";

    /// <summary>
    /// A kernel broke off and took the GPU's context with it: every further CUDA call of this process fails with the same error. The process
    /// lives, models on the CPU go on; restart it to use the GPU again.
    /// </summary>
    public bool IsSticky => Sticky(Code);

    /// <summary>ECC errors, bad addresses and instructions, failed assertions, time-outs, failed launches.</summary>
    private static bool Sticky(int code) => code is 214 or 700 or 702 or 710 or (>= 714 and <= 719);

    private static string WithRemedy(int code, string failure, string? remedy) => (Sticky(code), remedy) switch
    {
        (true, _) => $"{failure} The GPU cannot be used by this process any more: restart the process.",
        (false, null) => failure,
        (false, _) => $"{failure} {remedy}",
    };
}
