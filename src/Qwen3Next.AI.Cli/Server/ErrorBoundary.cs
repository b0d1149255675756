using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Around every request: its time limit, and an error object for whatever goes wrong, also in the middle of a stream.</summary>
internal sealed partial class ErrorBoundary(TimeSpan limit, ILogger<ErrorBoundary> logger)
{
    // A reader who takes nothing takes no error either.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var gone = context.RequestAborted;
        using var clock = CancellationTokenSource.CreateLinkedTokenSource(gone);
        clock.CancelAfter(limit);
        context.RequestAborted = clock.Token;
        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null } empty)
                await AnswerAsync(empty, ApiErrors.OfStatus(empty.StatusCode, context.Request));
        }
        catch (Exception) when (gone.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (OperationCanceledException) when (clock.IsCancellationRequested)
        {
            await AnswerAsync(context.Response, new ApiException(StatusCodes.Status408RequestTimeout,
                $"The answer was not complete within {limit.TotalSeconds:0.###} seconds. Ask for fewer tokens, or start the server with a larger --timeout.", code: "timeout"));
        }
        catch (Exception e)
        {
            await AnswerAsync(context.Response, ApiErrors.Of(e) ?? Unexpected(e, context.Request));
        }
        finally
        {
            context.RequestAborted = gone;
        }
    }

    private ApiException Unexpected(Exception error, HttpRequest request)
    {
        LogUnexpected(logger, error, request.Method, request.Path);
        return new ApiException(StatusCodes.Status500InternalServerError, "The server failed; this is a defect, and its log says more. Send the request again.");
    }

    private static async Task AnswerAsync(HttpResponse response, ApiException error)
    {
        if (response.HasStarted)
        {
            await BreakOffAsync(response, error);
            return;
        }
        var headers = response.Headers;
        if (error.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable) headers.RetryAfter = "1";
        if (error.Status == StatusCodes.Status401Unauthorized) headers.WWWAuthenticate = "Bearer";
        response.StatusCode = error.Status;
        await response.WriteAsJsonAsync(ApiErrors.Body(error), AnswerJson.Types.ErrorBody, cancellationToken: CancellationToken.None);
    }

    // The status is said and done. A stream has a place for errors; anything else must not look whole.
    private static async Task BreakOffAsync(HttpResponse response, ApiException error)
    {
        if (response.ContentType != EventStream.ContentType)
        {
            response.HttpContext.Abort();
            return;
        }
        try
        {
            using var patience = new CancellationTokenSource(s_patience);
            await EventStream.WriteAsync(response, ApiErrors.Body(error), AnswerJson.Types.ErrorBody, patience.Token);
        }
        catch (OperationCanceledException)
        {
            response.HttpContext.Abort();
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed.")]
    private static partial void LogUnexpected(ILogger logger, Exception error, string method, PathString path);
}
