using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Qwen3Next.AI.Tests.Endpoint;

/// <summary>A local HTTP server that plays prepared replies in turn and keeps what it was sent.</summary>
internal sealed class ReplayServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<Reply> _replies = [];
    private readonly Task _loop;

    public ReplayServer()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/v1");
        }
        _listener.Prefixes.Add($"{Address.GetLeftPart(UriPartial.Authority)}/");
        _listener.Start();
        _loop = Task.Run(RunAsync);
    }

    private sealed record Reply(int Status, string Body, string? RetryAfter, bool Breaks, bool Hangs);

    public Uri Address { get; }

    public ConcurrentQueue<(string Method, string Path, string? Authorization, string Body)> Requests { get; } = [];

    /// <summary>Completes when a client has gone away from a reply that hangs.</summary>
    public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public JsonElement Body(int index = 0) => JsonElement.Parse(Requests.ElementAt(index).Body);

    /// <summary>Streams each line as one event, then the mark of the end.</summary>
    public ReplayServer Stream(params IEnumerable<string> events) => Add(new Reply(200, Events(events) + "data: [DONE]\n\n", null, false, false));

    /// <summary>Streams, then closes the connection without an end.</summary>
    public ReplayServer StreamAndBreak(params IEnumerable<string> events) => Add(new Reply(200, Events(events), null, Breaks: true, false));

    /// <summary>Streams, then sends comments until the client leaves.</summary>
    public ReplayServer StreamAndHang(params IEnumerable<string> events) => Add(new Reply(200, Events(events), null, false, Hangs: true));

    public ReplayServer Fail(int status, string body = "", string? retryAfter = null) => Add(new Reply(status, body, retryAfter, false, false));

    public void Dispose()
    {
        _listener.Close();
        _loop.Wait();
    }

    private static string Events(IEnumerable<string> events) => string.Concat(events.Select(data => $"data: {data}\n\n"));

    private ReplayServer Add(Reply reply)
    {
        _replies.Enqueue(reply);
        return this;
    }

    private async Task RunAsync()
    {
        try
        {
            while (true) await AnswerAsync(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream);
        Requests.Enqueue((context.Request.HttpMethod, context.Request.RawUrl!, context.Request.Headers["Authorization"], await reader.ReadToEndAsync()));
        if (!_replies.TryDequeue(out var reply)) reply = new Reply(500, "no reply is prepared", null, false, false);
        var response = context.Response;
        (response.StatusCode, response.SendChunked) = (reply.Status, !reply.Breaks);
        if (reply.Breaks) response.ContentLength64 = 100_000; // announced, and never reached
        response.ContentType = reply.Status == 200 ? "text/event-stream" : "application/json";
        if (reply.RetryAfter is not null) response.Headers["Retry-After"] = reply.RetryAfter;
        try
        {
            // In small pieces, so that events and characters are cut anywhere.
            foreach (var piece in Encoding.UTF8.GetBytes(reply.Body).Chunk(37))
            {
                await response.OutputStream.WriteAsync(piece);
                await response.OutputStream.FlushAsync();
            }
            while (reply.Hangs)
            {
                await response.OutputStream.WriteAsync(": wait\n\n"u8.ToArray());
                await response.OutputStream.FlushAsync();
                await Task.Delay(5);
            }
            if (reply.Breaks) response.Abort();
            else response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException)
        {
            Left.TrySetResult();
        }
    }
}
