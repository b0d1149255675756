using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Qwen3Next.AI;
using Qwen3Next.AI.Endpoint;
using Qwen3Next.AI.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Qwen3-Next models as chat clients.</summary>
public static class Qwen3NextServiceCollectionExtensions
{
    /// <summary>Registers the one Qwen3-Next model of an application: its engine and an <see cref="IChatClient"/>, both singletons.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next</c>, which is read where there is a configuration.</param>
    /// <returns>The client's pipeline, for example to add <c>UseFunctionInvocation()</c>; nothing is added by default.</returns>
    /// <remarks>With an <see cref="Qwen3NextOptions.Endpoint"/>, the client asks a server and what follows does not apply. The model is loaded by the first request, or by the host's start where options say so; running requests end before the host stops. The container disposes the engine. An <see cref="IQwen3NextEngine"/> registered before is kept.</remarks>
    public static ChatClientBuilder AddQwen3Next(this IServiceCollection services, Action<Qwen3NextOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddOptions(services, Options.Options.DefaultName, "Qwen3Next", configure);
        services.TryAddSingleton<IQwen3NextEngine>(provider => CreateEngine(provider, Options.Options.DefaultName));
        return services.AddChatClient(provider => CreateClient(provider, Options.Options.DefaultName));
    }

    /// <summary>Registers one of several Qwen3-Next models: its engine and an <see cref="IChatClient"/>, keyed singletons.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="name">Key of the services and name of the options. The first name registered also answers requests without a key, unless a client without a key exists.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next:{name}</c>, which is read where there is a configuration.</param>
    /// <returns>The client's pipeline, for example to add <c>UseFunctionInvocation()</c>; nothing is added by default.</returns>
    /// <remarks>With an <see cref="Qwen3NextOptions.Endpoint"/>, the client asks a server and what follows does not apply. The model is loaded by the first request, or by the host's start where options say so; running requests end before the host stops. The container disposes the engine. A keyed <see cref="IQwen3NextEngine"/> registered before is kept.</remarks>
    public static ChatClientBuilder AddQwen3Next(this IServiceCollection services, string name, Action<Qwen3NextOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        AddOptions(services, name, $"Qwen3Next:{name}", configure);
        services.TryAddKeyedSingleton<IQwen3NextEngine>(name, (provider, _) => CreateEngine(provider, name));
        var pipeline = services.AddKeyedChatClient(name, provider => CreateClient(provider, name));
        services.TryAddSingleton<IChatClient>(provider => provider.GetRequiredKeyedService<IChatClient>(name));
        return pipeline;
    }

    /// <summary>Registers a Qwen3-Embedding model: its engine, a keyed singleton, and an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>, a singleton without key.</summary>
    /// <param name="services">Where to register.</param>
    /// <param name="name">Key of the engine and name of the options. Default: <c>embedding</c>.</param>
    /// <param name="configure">Sets options, after those of the configuration section <c>Qwen3Next:{name}</c>, which is read where there is a configuration.</param>
    /// <returns>The generator's pipeline, for example to add <c>UseDistributedCache()</c>; nothing is added by default.</returns>
    /// <remarks>Loading, draining and health checks are those of chat models. The model must run in this process: an endpoint is refused when the generator is asked for.</remarks>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> AddQwen3NextEmbeddingGenerator(
        this IServiceCollection services, string name = "embedding", Action<Qwen3NextOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        AddOptions(services, name, $"Qwen3Next:{name}", configure, embeds: true);
        services.TryAddKeyedSingleton<IQwen3NextEngine>(name, (provider, _) => CreateEngine(provider, name));
        return services.AddEmbeddingGenerator(provider => new Qwen3NextEmbeddingGenerator(
            provider.GetRequiredKeyedService<IQwen3NextEngine>(name) as Qwen3NextEngine ?? throw new InvalidOperationException(
                $"The engine registered as '{name}' is of another kind; embeddings need a {nameof(Qwen3NextEngine)}. Use another name.")));
    }

    private static void AddOptions(IServiceCollection services, string name, string section, Action<Qwen3NextOptions>? configure, bool embeds = false)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<Qwen3NextOptions>, Qwen3NextOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<Qwen3NextOptions>, Qwen3NextOptionsCrossCheck>());
        // Not BindConfiguration: a plain service collection, such as a kernel's, has no configuration.
        services.AddOptions<Qwen3NextOptions>(name)
            .Configure<IServiceProvider>((options, provider) => provider.GetService<IConfiguration>()?.GetSection(section).Bind(options))
            .Configure(options => configure?.Invoke(options))
            .ValidateOnStart();
        if (services.Any(d => d.ImplementationInstance is ModelName known && known.Options == name)) return;
        services.AddSingleton(new ModelName(name, embeds));
        EndpointHttp.Add(services, name);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelLifetime>());
    }

    private static Qwen3NextOptions OptionsOf(IServiceProvider provider, string name) => provider.GetRequiredService<IOptionsMonitor<Qwen3NextOptions>>().Get(name);

    private static IQwen3NextEngine CreateEngine(IServiceProvider provider, string name)
    {
        var options = OptionsOf(provider, name);
        if (options.Endpoint is { } endpoint)
            throw new InvalidOperationException($"The model is behind {endpoint}, so there is no {nameof(IQwen3NextEngine)} in this process. Use the {nameof(IChatClient)}.");
        return new Qwen3NextEngine(options, provider.GetService<ILoggerFactory>());
    }

    private static IChatClient CreateClient(IServiceProvider provider, string name)
    {
        var (options, loggers) = (OptionsOf(provider, name), provider.GetService<ILoggerFactory>());
        if (options.Endpoint is not null)
            return new Qwen3NextEndpointChatClient(provider.GetRequiredService<IHttpClientFactory>().CreateClient(EndpointHttp.Name(name)), options, loggers);
        return new Qwen3NextChatClient(provider.GetRequiredKeyedService<IQwen3NextEngine>(name.Length > 0 ? name : null), options, loggers);
    }
}
