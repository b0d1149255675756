using Microsoft.Extensions.AI;
using Qwen3Next.AI.SemanticKernel;

namespace Microsoft.SemanticKernel;

/// <summary>Gives a kernel's functions to chat clients and agents that know nothing of kernels.</summary>
public static class KernelToolExtensions
{
    /// <summary>All functions of the kernel's plugins as tools.</summary>
    /// <param name="kernel">Runs the functions, with its services and every <see cref="IFunctionInvocationFilter"/>.</param>
    /// <returns>One tool per function, named <c>Plugin_Function</c>, for <see cref="ChatOptions.Tools"/> or an agent.</returns>
    /// <remarks>
    /// A <see cref="KernelFunction"/> is itself a tool, but called as one it passes the kernel's filters by. An <see cref="IAutoFunctionInvocationFilter"/>
    /// belongs to the kernel's own tool loop and does not run here.
    /// </remarks>
    public static IList<AITool> ToAITools(this Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return [.. kernel.Plugins.SelectMany(plugin => plugin).Select(function => new KernelTool(function, kernel))];
    }

    /// <summary>The functions of one plugin as tools.</summary>
    /// <param name="plugin">The plugin; it need not be one of the kernel's.</param>
    /// <inheritdoc cref="ToAITools(Kernel)"/>
    public static IList<AITool> ToAITools(this KernelPlugin plugin, Kernel kernel)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        ArgumentNullException.ThrowIfNull(kernel);
        return [.. plugin.Select(function => new KernelTool(function, kernel))];
    }
}
