using System.Net;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>What the answers of a hub that are not the wanted one mean.</summary>
internal static class HubErrors
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(2);

    /// <summary>A <see cref="BusyHubException"/> where the same request may succeed later, else an error for people.</summary>
    public static Exception Of(HttpResponseMessage response, Uri uri, bool hasToken)
    {
        var status = (int)response.StatusCode;
        if (response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || status >= 500)
            return new BusyHubException($"{uri} answered {status}", Wait(response));
        var remedy = response.StatusCode switch
        {
            HttpStatusCode.NotFound => "Check the model's name and --revision; a private model needs an access token, see --token-variable.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when hasToken => "The access token is not allowed to read it: accept the model's conditions on its page, or use another token.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "It needs an access token: see --token-variable.",
            _ => "Check --from.",
        };
        return new Qwen3NextException($"{uri} answered {status}. {remedy}");
    }

    private static TimeSpan? Wait(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter?.Delta ?? (response.Headers.RetryAfter?.Date is { } date ? date - DateTimeOffset.UtcNow : null);
        return asked is { } wait && wait > TimeSpan.Zero ? wait < s_longestWait ? wait : s_longestWait : null;
    }
}

/// <summary>The hub cannot answer now.</summary>
/// <param name="message">What it answered.</param>
/// <param name="retryAfter">The wait that it asks for.</param>
internal sealed class BusyHubException(string message, TimeSpan? retryAfter) : IOException(message)
{
    public TimeSpan? RetryAfter => retryAfter;
}
