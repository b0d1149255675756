using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Qwen3Next.AI;
using Qwen3Next.AI.Endpoint;
using Qwen3Next.AI.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers health checks of Qwen3-Next models.</summary>
public static class Qwen3NextHealthChecksBuilderExtensions
{
    /// <summary>Checks a model that <c>AddQwen3Next</c> registered, without asking it anything.</summary>
    /// <param name="builder">Where to register.</param>
    /// <param name="name">Name of the model. Default: the one without a name. The check is called <c>qwen3next</c>, or <c>qwen3next:{name}</c>.</param>
    /// <param name="failureStatus">What a model that failed, is not loaded or shuts down reports. Default: <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags of the check. Default: <c>ready</c>.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// A loading model, and one whose queue is full, are degraded. A model that is not loaded is healthy where its first request loads it.
    /// A server behind an endpoint is asked for the list of its models. Of a model in this process the data are <c>state</c>, <c>running_requests</c>, <c>waiting_requests</c>, <c>kv_cache_tokens</c> and <c>used_kv_cache_tokens</c>.
    /// </remarks>
    public static IHealthChecksBuilder AddQwen3Next(
        this IHealthChecksBuilder builder, string? name = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name is null ? "qwen3next" : $"qwen3next:{name}", provider => Create(provider, name), failureStatus, tags ?? ["ready"]));
    }

    private static IHealthCheck Create(IServiceProvider provider, string? name)
    {
        name ??= Options.Options.DefaultName;
        var options = provider.GetRequiredService<IOptionsMonitor<Qwen3NextOptions>>().Get(name);
        // Without retries: a probe says how things are now.
        return options.Endpoint is { } endpoint
            ? new EndpointHealthCheck(provider.GetRequiredService<IHttpClientFactory>().CreateClient(), endpoint, options.EndpointApiKey)
            : new ModelHealthCheck(provider.GetRequiredKeyedService<IQwen3NextEngine>(name.Length > 0 ? name : null), options.Load);
    }
}
