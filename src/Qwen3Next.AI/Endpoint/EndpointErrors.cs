using System.Net;
using System.Text.Json;

namespace Qwen3Next.AI.Endpoint;

/// <summary>What a server refuses, as the errors that a model in this process raises.</summary>
internal static class EndpointErrors
{
    private const int LongestText = 500;

    public static async Task<Exception> ReadAsync(HttpResponseMessage response, Uri endpoint, string model, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var text = MessageOf(body);
        var said = $"{endpoint} answered {(int)response.StatusCode}{(text.Length > 0 ? $": {text}" : "")}.";
        return response.StatusCode switch
        {
            HttpStatusCode.BadRequest when IsTooLong(body) => new ContextLengthExceededException($"{said} Shorten the conversation."),
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity => new ArgumentException($"{said} The server does not take this request."),
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable => new QueueFullException($"{said} Try again later."),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new Qwen3NextException($"{said} Check EndpointApiKey."),
            HttpStatusCode.NotFound => new Qwen3NextException($"{said} Check that Endpoint ends with the version, as in /v1, and that the server serves '{model}'."),
            _ => new Qwen3NextException($"{said} The server's log says more."),
        };
    }

    /// <summary>An error that arrives in the middle of an answer; null where the piece is none.</summary>
    public static Exception? InStream(JsonElement piece, Uri endpoint)
    {
        if (!piece.TryGetProperty("error", out var error) || error.ValueKind == JsonValueKind.Null) return null;
        return new Qwen3NextException($"{endpoint} broke its answer off: {MessageOf(piece.GetRawText())}. Send the request again.");
    }

    // OpenAI's code, which this library's server has too; vLLM and SGLang say it in words.
    private static bool IsTooLong(string body) =>
        body.Contains("\"context_length_exceeded\"", StringComparison.Ordinal) || body.Contains("context length", StringComparison.OrdinalIgnoreCase) ||
        body.Contains("longer than the model's context", StringComparison.OrdinalIgnoreCase);

    // {"error": {"message": ...}}, {"message": ...}, or no JSON at all.
    private static string MessageOf(string body)
    {
        try
        {
            var json = JsonElement.Parse(body);
            if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("error", out var error)) json = error;
            if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("message", out var message)) json = message;
            if (json.ValueKind == JsonValueKind.String) body = json.GetString()!;
        }
        catch (JsonException)
        {
        }
        body = body.Trim().TrimEnd('.');
        return body.Length <= LongestText ? body : body[..LongestText] + "...";
    }
}
