using Microsoft.Extensions.Logging;

namespace Qwen3Next.AI.Telemetry;

/// <summary>What the chat client logs. Event ids are stable; message contents are never logged.</summary>
internal static partial class ChatLog
{
    [LoggerMessage(1001, LogLevel.Debug, "Tool '{Tool}' ({Type}) is not a function and is not offered to the model.")]
    public static partial void ToolNotOffered(ILogger logger, string tool, string type);

    [LoggerMessage(1002, LogLevel.Warning, "Left {Content} of media type '{MediaType}' out of the prompt: the model reads text only.")]
    public static partial void ContentLeftOut(ILogger logger, string content, string mediaType);

    [LoggerMessage(1003, LogLevel.Debug, "Reasoning effort {Effort} has no effect: a {Format} model {Reason}.")]
    public static partial void EffortWithoutEffect(ILogger logger, string effort, string format, string reason);

    [LoggerMessage(1004, LogLevel.Warning, "The model wrote a tool call of {Length} characters that cannot be executed; the response carries it as an error.")]
    public static partial void InvalidToolCall(ILogger logger, int length);

    [LoggerMessage(1005, LogLevel.Warning, "Arguments of tool '{Tool}' are any JSON, not held to its parameters. {Reason}")]
    public static partial void ToolNotConstrained(ILogger logger, string tool, string reason);
}
