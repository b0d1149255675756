using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>GET /v1/models</c>, <c>GET /v1/models/{id}</c> and <c>GET /health</c>: what is served, and how it is.</summary>
internal sealed class ModelEndpoints(ServedModel model, HealthCheckService health)
{
    public Task ListAsync(HttpContext context) =>
        context.Response.WriteAsJsonAsync(new ModelList([.. Cards()]), AnswerJson.Types.ModelList);

    public Task FindAsync(HttpContext context)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        var card = Cards().FirstOrDefault(card => card.Id.Equals(id, StringComparison.OrdinalIgnoreCase)) ?? throw model.Unknown(id);
        return context.Response.WriteAsJsonAsync(card, AnswerJson.Types.ModelCard);
    }

    /// <summary>503 while requests would fail. Computes nothing.</summary>
    public async Task HealthAsync(HttpContext context)
    {
        var check = (await health.CheckHealthAsync(context.RequestAborted)).Entries.Values.Single();
        var status = model.Engine.Status;
        var report = new ServerHealth(check.Status.ToString(), check.Description, model.Info.ModelId, status.State.ToString(), status.RunningRequests,
            status.WaitingRequests, status.KvCacheTokens, status.UsedKvCacheTokens, status.CachedPrefixes);
        if (check.Status == HealthStatus.Unhealthy) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsJsonAsync(report, AnswerJson.Types.ServerHealth, cancellationToken: context.RequestAborted);
    }

    private IEnumerable<ModelCard> Cards()
    {
        yield return Card(model.Info);
        if (model.EmbeddingInfo is { } embeddings) yield return Card(embeddings);
    }

    private ModelCard Card(Qwen3NextModelInfo info) => new(info.ModelId, model.Since.ToUnixTimeSeconds(), info.MaxContextTokens);
}
