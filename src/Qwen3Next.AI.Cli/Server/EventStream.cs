using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Server-sent events. The next piece is asked for when the connection has taken the last one, so a slow reader costs no more than one buffer.</summary>
internal static class EventStream
{
    public const string ContentType = "text/event-stream";

    /// <summary>Sends all pieces and the end mark. The status is 200 once the first piece, or the first silence, has come; errors before that have their own.</summary>
    /// <param name="silence">After so long without a piece, a comment is sent.</param>
    public static async Task SendAsync<T>(HttpContext context, IAsyncEnumerable<T> pieces, JsonTypeInfo<T> type, TimeSpan silence)
    {
        var response = context.Response;
        await using var source = pieces.GetAsyncEnumerator(context.RequestAborted);
        while (await NextAsync(source, response, silence)) await WriteAsync(response, source.Current, type, context.RequestAborted);
        await WriteAsync(response, "data: [DONE]\n\n"u8.ToArray(), context.RequestAborted);
    }

    public static async Task WriteAsync<T>(HttpResponse response, T piece, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
    {
        Begin(response);
        response.BodyWriter.Write("data: "u8);
        using (var json = new Utf8JsonWriter(response.BodyWriter, AnswerJson.Writer)) JsonSerializer.Serialize(json, piece, type);
        await WriteAsync(response, "\n\n"u8.ToArray(), cancellationToken);
    }

    private static async Task WriteAsync(HttpResponse response, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        Begin(response);
        await response.BodyWriter.WriteAsync(text, cancellationToken);
    }

    private static async ValueTask<bool> NextAsync<T>(IAsyncEnumerator<T> source, HttpResponse response, TimeSpan silence)
    {
        var next = source.MoveNextAsync();
        if (next.IsCompleted) return await next;
        var waiting = next.AsTask();
        while (true)
        {
            try
            {
                return await waiting.WaitAsync(silence);
            }
            catch (TimeoutException) when (!waiting.IsCompleted)
            {
                if (!await CommentAsync(response)) return await waiting; // it ends by the same cancellation, and may not be left before
            }
        }
    }

    private static async Task<bool> CommentAsync(HttpResponse response)
    {
        try
        {
            await WriteAsync(response, ": waiting\n\n"u8.ToArray(), response.HttpContext.RequestAborted);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static void Begin(HttpResponse response)
    {
        if (response.HasStarted) return;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // reverse proxies would wait for the whole answer
    }
}
