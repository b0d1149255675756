using Microsoft.Extensions.Logging;

namespace Qwen3Next.AI.Telemetry;

/// <summary>Log messages of loading and computing.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(100, LogLevel.Information, "Loaded {Model} on {Device}: {Plan}")]
    public static partial void Loaded(ILogger logger, string model, string device, string plan);

    [LoggerMessage(101, LogLevel.Information, "Device Auto chose {Device}: {Reason}")]
    public static partial void AutoDevice(ILogger logger, string device, string reason);
}
