using Microsoft.Extensions.DependencyInjection;
using Qwen3Next.AI;

namespace Microsoft.SemanticKernel;

/// <summary>Registers Qwen3-Next models in a kernel.</summary>
public static class Qwen3NextKernelBuilderExtensions
{
    /// <inheritdoc cref="Qwen3NextKernelServiceCollectionExtensions.AddQwen3NextChatCompletion"/>
    /// <param name="builder">The kernel being built.</param>
    /// <param name="configure">Sets options.</param>
    /// <param name="serviceId">Key of the services and name of the options. Default: none.</param>
    /// <returns>The same builder.</returns>
    public static IKernelBuilder AddQwen3NextChatCompletion(this IKernelBuilder builder, Action<Qwen3NextOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddQwen3NextChatCompletion(configure, serviceId);
        return builder;
    }

    /// <inheritdoc cref="Qwen3NextKernelServiceCollectionExtensions.AddQwen3NextChatClient"/>
    /// <param name="builder">The kernel being built.</param>
    /// <param name="configure">Sets options.</param>
    /// <param name="serviceId">Key of the services and name of the options. Default: none.</param>
    /// <returns>The same builder.</returns>
    public static IKernelBuilder AddQwen3NextChatClient(this IKernelBuilder builder, Action<Qwen3NextOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddQwen3NextChatClient(configure, serviceId);
        return builder;
    }
}
