using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Qwen3Next.AI.Hosting;

/// <summary>Tells from an engine's status whether to send it requests. Computes nothing.</summary>
internal sealed class ModelHealthCheck(IQwen3NextEngine engine, Qwen3NextLoadMode load) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var status = engine.Status;
        var (health, description) = Judge(status);
        var data = new Dictionary<string, object>
        {
            ["state"] = status.State.ToString(),
            ["running_requests"] = status.RunningRequests,
            ["waiting_requests"] = status.WaitingRequests,
            ["kv_cache_tokens"] = status.KvCacheTokens,
            ["used_kv_cache_tokens"] = status.UsedKvCacheTokens,
        };
        return Task.FromResult(new HealthCheckResult(health ?? context.Registration.FailureStatus, description, status.Failure, data));
    }

    // Null is the failure status that the registration names.
    private (HealthStatus?, string) Judge(Qwen3NextEngineStatus status) => status.State switch
    {
        Qwen3NextEngineState.Ready when status.WaitingRequests >= status.MaxWaitingRequests && status.WaitingRequests > 0 =>
            (HealthStatus.Degraded, $"{status.WaitingRequests} requests wait, which is the limit; further ones are refused."),
        Qwen3NextEngineState.Ready => (HealthStatus.Healthy, "The model answers."),
        Qwen3NextEngineState.NotLoaded when load == Qwen3NextLoadMode.OnFirstUse => (HealthStatus.Healthy, "The first request loads the model."),
        Qwen3NextEngineState.NotLoaded => (null, "The model is not loaded yet."),
        Qwen3NextEngineState.Loading => (HealthStatus.Degraded, "The model is being loaded; requests wait for it."),
        Qwen3NextEngineState.Failed => (null, status.Failure?.Message ?? "The engine failed."),
        Qwen3NextEngineState.Draining => (null, "The engine is shutting down."),
        _ => (null, "The engine is disposed."),
    };
}
