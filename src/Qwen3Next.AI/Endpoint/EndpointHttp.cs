using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Qwen3Next.AI.Endpoint;

/// <summary>The HTTP client of an endpoint: patient with long answers, and with servers that are overloaded or just starting.</summary>
internal static class EndpointHttp
{
    /// <summary>Name of the client in the factory, where an application may add handlers of its own.</summary>
    public static string Name(string model) => model.Length > 0 ? $"Qwen3Next:{model}" : "Qwen3Next";

    public static void Add(IServiceCollection services, string model) =>
        services.AddHttpClient(Name(model), http => http.Timeout = Timeout.InfiniteTimeSpan).AddResilienceHandler("retry", pipeline =>
            // Only what is refused before an answer begins is sent again, so no answer is ever computed twice.
            pipeline.AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = 3,
                Delay = TimeSpan.FromSeconds(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = attempt => ValueTask.FromResult(attempt.Outcome is { Exception: HttpRequestException } or
                    { Result.StatusCode: HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout }),
            }));
}
