using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Qwen3Next.AI;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers Qwen3-Next models in a host; wrong options stop the host at its start.</summary>
public static class Qwen3NextHostExtensions
{
    /// <inheritdoc cref="Qwen3NextServiceCollectionExtensions.AddQwen3Next(IServiceCollection, Action{Qwen3NextOptions}?)"/>
    /// <param name="builder">The host being built.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next</c>.</param>
    public static ChatClientBuilder AddQwen3Next(this IHostApplicationBuilder builder, Action<Qwen3NextOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Services.AddQwen3Next(configure);
    }

    /// <inheritdoc cref="Qwen3NextServiceCollectionExtensions.AddQwen3Next(IServiceCollection, string, Action{Qwen3NextOptions}?)"/>
    /// <param name="builder">The host being built.</param>
    /// <param name="name">Key of the services and name of the options.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next:{name}</c>.</param>
    public static ChatClientBuilder AddQwen3Next(this IHostApplicationBuilder builder, string name, Action<Qwen3NextOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Services.AddQwen3Next(name, configure);
    }
}
