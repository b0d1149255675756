using System.Net.Http.Headers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Qwen3Next.AI.Hosting;

/// <summary>Asks a server for the list of its models, which computes nothing there.</summary>
internal sealed class EndpointHealthCheck(HttpClient http, Uri endpoint, string? apiKey) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{endpoint.AbsoluteUri.TrimEnd('/')}/models");
            if (apiKey is { Length: > 0 }) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode
                ? HealthCheckResult.Healthy($"{endpoint} answers.")
                : new HealthCheckResult(context.Registration.FailureStatus, $"{endpoint} answered {(int)response.StatusCode}.");
        }
        catch (HttpRequestException e)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"{endpoint} cannot be reached: {e.Message}", e);
        }
    }
}
