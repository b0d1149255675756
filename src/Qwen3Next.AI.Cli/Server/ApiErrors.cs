using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Which error of the library, of the server or of the connection is which refusal.</summary>
internal static class ApiErrors
{
    private static readonly (string Option, string Argument)[] s_arguments =
    [
        (nameof(Qwen3NextOptions.MaxContextTokens), "--context"),
        (nameof(Qwen3NextOptions.MaxQueueLength), "--queue"),
        (nameof(Qwen3NextOptions.MaxConcurrentRequests), "--parallel"),
    ];

    /// <summary>Null for what no request should be able to cause.</summary>
    public static ApiException? Of(Exception error) => error switch
    {
        ApiException refusal => refusal,
        BadHttpRequestException broken => OfConnection(broken),
        ContextLengthExceededException => ApiException.Bad(InOurWords(error), "messages", "context_length_exceeded"),
        QueueFullException => new ApiException(StatusCodes.Status429TooManyRequests, InOurWords(error), code: "queue_full"),
        DeadlineExceededException => new ApiException(StatusCodes.Status408RequestTimeout, InOurWords(error), code: "timeout"),
        Qwen3NextException => new ApiException(StatusCodes.Status503ServiceUnavailable, InOurWords(error)),
        ArgumentException or NotSupportedException or JsonException => ApiException.Bad(InOurWords(error)),
        _ => null,
    };

    /// <summary>The error as an object of the wire.</summary>
    public static ErrorBody Body(ApiException error) => new(new ErrorDetail(error.Message, TypeOf(error.Status), error.Parameter, error.Code));

    /// <summary>What an empty answer with an error status means.</summary>
    public static ApiException OfStatus(int status, HttpRequest request) => status switch
    {
        StatusCodes.Status404NotFound => new ApiException(status,
            $"There is nothing at {request.Path}. See /v1/models, /v1/chat/completions, /v1/completions, /v1/embeddings, /health and /metrics."),
        StatusCodes.Status405MethodNotAllowed => new ApiException(status, $"{request.Path} does not take {request.Method}."),
        _ => new ApiException(status, $"The request was answered with status {status}."),
    };

    private static ApiException OfConnection(BadHttpRequestException broken) => broken.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => new ApiException(broken.StatusCode,
            $"{broken.Message} Send less, or start the server with a larger --max-request-mb."),
        StatusCodes.Status408RequestTimeout => new ApiException(broken.StatusCode, $"{broken.Message} Send the request again.", code: "timeout"),
        _ => ApiException.Bad(broken.Message),
    };

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status408RequestTimeout => "timeout_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= StatusCodes.Status500InternalServerError => "server_error",
        _ => "invalid_request_error",
    };

    // The library names its own options and parameters; this server's users know the tool's.
    private static string InOurWords(Exception error)
    {
        var message = error.Message;
        if (error is ArgumentException { ParamName: { } name })
            message = message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal).Split('\n')[0].TrimEnd();
        foreach (var (option, argument) in s_arguments) message = message.Replace(option, argument, StringComparison.Ordinal);
        return message;
    }
}
