using System.Diagnostics.Metrics;

namespace Qwen3Next.AI.Telemetry;

/// <summary>What is asked of a loaded engine whenever somebody collects: places, queue and cache. Ends with the engine.</summary>
internal sealed class EngineGauges : IDisposable
{
    private readonly Meter _meter = new(Qwen3NextTelemetry.MeterName);

    /// <param name="model">Name of the model, on every measurement.</param>
    /// <param name="read">Conversations with a place, conversations waiting, share of the attention cache in use.</param>
    public EngineGauges(string model, Func<(int Running, int Waiting, double Cache)> read)
    {
        KeyValuePair<string, object?>[] tags = [new("gen_ai.request.model", model)];
        _meter.CreateObservableGauge("qwen3next.requests.running", () => new Measurement<int>(read().Running, tags), "{request}", "Conversations being computed.");
        _meter.CreateObservableGauge("qwen3next.queue.depth", () => new Measurement<int>(read().Waiting, tags), "{request}", "Conversations that wait for a place.");
        _meter.CreateObservableGauge("qwen3next.kv.utilization", () => new Measurement<double>(read().Cache, tags), "1", "Share of the attention cache in use.");
    }

    public void Dispose() => _meter.Dispose();
}
