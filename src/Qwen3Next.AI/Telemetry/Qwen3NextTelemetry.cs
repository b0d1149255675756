using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Qwen3Next.AI.Telemetry;

/// <summary>
/// Names under which this library reports. As the model's server it follows OpenTelemetry's conventions for generative AI servers; the client's
/// side is reported by <c>UseOpenTelemetry()</c> in the pipeline. Neither prompts nor answers are ever part of it.
/// </summary>
public static class Qwen3NextTelemetry
{
    /// <summary>Of the activities: one per request, with one child each for the queue, the prompt and the answer. For <c>AddSource</c>.</summary>
    public const string ActivitySourceName = "Qwen3Next.AI";

    /// <summary>Of the instruments. For <c>AddMeter</c>.</summary>
    public const string MeterName = "Qwen3Next.AI";

    internal const string ProviderName = "qwen3next";

    internal static readonly ActivitySource Source = new(ActivitySourceName);

    internal static readonly Meter Meter = new(MeterName);
}
