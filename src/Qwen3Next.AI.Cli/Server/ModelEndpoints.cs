using Microsoft.AspNetCore.Http;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>GET /v1/models</c>, <c>GET /v1/models/{id}</c> and <c>GET /health</c>: what is served, and how it is.</summary>
internal sealed class ModelEndpoints(ServedModel model)
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
    public Task HealthAsync(HttpContext context)
    {
        var status = model.Engine.Status;
        var answers = status.State is Qwen3NextEngineState.Ready or Qwen3NextEngineState.NotLoaded or Qwen3NextEngineState.Loading;
        var report = new HealthReport(answers ? "ok" : "unavailable", model.Info.ModelId, status.State.ToString(), status.RunningRequests, status.WaitingRequests,
            status.KvCacheTokens, status.UsedKvCacheTokens, status.CachedPrefixes, status.Failure?.Message);
        if (!answers) context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsJsonAsync(report, AnswerJson.Types.HealthReport);
    }

    private IEnumerable<ModelCard> Cards()
    {
        yield return Card(model.Info);
        if (model.EmbeddingInfo is { } embeddings) yield return Card(embeddings);
    }

    private ModelCard Card(Qwen3NextModelInfo info) => new(info.ModelId, model.Since.ToUnixTimeSeconds(), info.MaxContextTokens);
}
