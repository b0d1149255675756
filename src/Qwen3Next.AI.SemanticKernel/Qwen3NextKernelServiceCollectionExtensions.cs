using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI;
using Qwen3Next.AI.SemanticKernel;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Qwen3-Next models for Semantic Kernel.</summary>
public static class Qwen3NextKernelServiceCollectionExtensions
{
    /// <summary>Registers a model as <see cref="IChatCompletionService"/>: over the client that <c>AddQwen3Next</c> registered under the same name, or over a new one.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next</c> or <c>Qwen3Next:{serviceId}</c>.</param>
    /// <param name="serviceId">Key of the services and name of the options. Default: none.</param>
    /// <returns>The same collection.</returns>
    public static IServiceCollection AddQwen3NextChatCompletion(this IServiceCollection services, Action<Qwen3NextOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (!HasModel(services, serviceId, orDefault: configure is null)) AddModel(services, configure, serviceId);
        else if (configure is not null) services.Configure(serviceId ?? Options.Options.DefaultName, configure);
        return services.AddKeyedSingleton<IChatCompletionService>(serviceId, (provider, _) =>
            new Qwen3NextChatCompletionService(provider.GetRequiredKeyedService<IChatClient>(serviceId), provider.GetService<ILoggerFactory>(), provider));
    }

    /// <summary>Registers a model as <see cref="IChatClient"/> whose function calls the kernel invokes, with its filters.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next</c> or <c>Qwen3Next:{serviceId}</c>.</param>
    /// <param name="serviceId">Key of the services and name of the options. Default: none.</param>
    /// <returns>The same collection.</returns>
    /// <remarks>Of this form the kernel keeps no thinking in its chat history; <see cref="AddQwen3NextChatCompletion"/> does.</remarks>
    public static IServiceCollection AddQwen3NextChatClient(this IServiceCollection services, Action<Qwen3NextOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddModel(services, configure, serviceId).UseKernelFunctionInvocation();
        return services;
    }

    private static ChatClientBuilder AddModel(IServiceCollection services, Action<Qwen3NextOptions>? configure, string? serviceId) =>
        serviceId is null ? services.AddQwen3Next(configure) : services.AddQwen3Next(serviceId, configure);

    // Without a name and without options of its own, the default client is meant, whatever its name.
    private static bool HasModel(IServiceCollection services, string? serviceId, bool orDefault) =>
        services.Any(d => d.ServiceType == typeof(IChatClient) && Equals(d.ServiceKey, serviceId)) &&
        services.Any(d => d.ServiceType == typeof(IQwen3NextEngine) && (Equals(d.ServiceKey, serviceId) || (serviceId is null && orDefault)));
}
