using Microsoft.Extensions.Logging;

namespace Qwen3Next.AI.Telemetry;

/// <summary>What is logged while a host starts and stops models. Event ids are stable.</summary>
internal static partial class HostLog
{
    [LoggerMessage(200, LogLevel.Information, "Loading {Model}: {Percent} % of {Total} MiB")]
    public static partial void Loading(ILogger logger, string model, int percent, long total);

    [LoggerMessage(201, LogLevel.Information, "{Model} is loaded and warm after {Seconds:0.0} s")]
    public static partial void Warm(ILogger logger, string model, double seconds);

    [LoggerMessage(202, LogLevel.Information, "Stopping {Model}: {Running} requests run, {Waiting} wait; they have {Seconds:0.#} s to end")]
    public static partial void Draining(ILogger logger, string model, int running, int waiting, double seconds);

    [LoggerMessage(203, LogLevel.Warning, "{Model} was stopped before all its requests had ended")]
    public static partial void CutOff(ILogger logger, string model);
}
