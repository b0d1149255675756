using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Qwen3Next.AI.Tests;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>Requests that nobody should send: whatever comes, the answer is an answer or an error object, never a defect.</summary>
public sealed class MalformedRequestTests : IAsyncDisposable
{
    private const int Senders = 4;

    private static readonly string[] s_paths = ["/v1/chat/completions", "/v1/chat/completions", "/v1/chat/completions", "/v1/completions", "/v1/embeddings"];

    private static readonly int[] s_statuses = [200, 400, 403, 404, 405, 408, 411, 413, 414, 415, 431];

    private readonly EndlessModel _model = new();

    public ValueTask DisposeAsync() => _model.DisposeAsync();

    [Fact]
    public async Task Requests_MutatedFromValidOnes_AreAnsweredOrRefused()
    {
        using var generator = new Qwen3NextEmbeddingGenerator(_model.Engine);
        await using var server = await RunningServer.StartAsync(_model.Served with { Embeddings = generator }, new() { MaxRequestBytes = 1 << 20 });
        var (statuses, defects) = (new ConcurrentDictionary<int, int>(), new ConcurrentBag<string>());
        await Parallel.ForAsync(0, Nightly.Count(10_000), new ParallelOptions { MaxDegreeOfParallelism = Senders }, async (seed, cancel) =>
        {
            var mutation = new RequestMutation(seed, s_paths);
            using var request = mutation.Create();
            using var response = await server.Http.SendAsync(request, cancel);
            var (status, body) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancel));
            statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
            if (!s_statuses.Contains(status) || (status >= 400 && !IsErrorObject(body)) || body.Contains("server_error", StringComparison.Ordinal))
                defects.Add($"seed {seed}: {status} {body}\n{mutation}");
        });
        Assert.True(defects.IsEmpty, string.Join("\n\n", defects.Take(5)));
        // Both sides of the line are met, or nothing would be tested.
        Assert.True(statuses.GetValueOrDefault(200) > 20 && statuses.GetValueOrDefault(400) > 200, string.Join(", ", statuses));
        await AssertAnswersAsync(server);
    }

    /// <summary>What no HTTP client can be made to send.</summary>
    [Fact]
    public async Task Connections_WithBrokenHttp_EndAndDisturbNobody()
    {
        await using var server = await RunningServer.StartAsync(_model.Served);
        var body = _model.Request(1);
        var post = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        string[] requests =
        [
            "", "\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /v1/models HTTP/1.1\r\n\r\n", "GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            $"{post}Content-Length: 99999\r\n\r\n{body}", $"{post}Content-Length: 5\r\n\r\n{body}", $"{post}Content-Length: -1\r\n\r\n{body}", $"{post}Content-Length: x\r\n\r\n{body}",
            $"{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}", $"{post}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"me\r\n", $"{post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            $"{post}Content-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n{body}", $"{post}X: {new string('a', 100_000)}\r\n\r\n", $"{post}Authorization: {new string('é', 500)}\r\nContent-Length: {body.Length}\r\n\r\n{body}",
            "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", $"{post}Expect: 100-continue\r\nContent-Length: {body.Length}\r\n\r\n",
        ];
        foreach (var request in requests)
        {
            var answer = await SendAsync(server.Address, request);
            Assert.DoesNotContain("HTTP/1.1 5", answer, StringComparison.Ordinal);
        }
        await AssertAnswersAsync(server);
    }

    private async Task AssertAnswersAsync(RunningServer server)
    {
        using var response = await server.PostAsync(s_paths[0], _model.Request(2));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal((0, 0), (_model.Engine.Status.RunningRequests, _model.Engine.Status.WaitingRequests));
    }

    private static bool IsErrorObject(string body)
    {
        try
        {
            return JsonElement.Parse(body).GetProperty("error") is var error && error.GetProperty("message").GetString()!.Length > 0 && error.GetProperty("type").GetString()!.Length > 0;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }

    // Sends, hangs up its own side, and reads what comes until the other side hangs up.
    private static async Task<string> SendAsync(Uri address, string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request), limit.Token);
            socket.Shutdown(SocketShutdown.Send);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync(limit.Token);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return ""; // it hung up first
        }
    }
}
