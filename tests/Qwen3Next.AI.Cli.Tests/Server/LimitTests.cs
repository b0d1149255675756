using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>How much may be asked, how long it may take, and what comes when something goes wrong on the way.</summary>
public sealed class LimitTests : IAsyncDisposable
{
    private const string Chat = "/v1/chat/completions";
    private readonly EndlessModel _model = new(places: 1, queue: 0);

    public ValueTask DisposeAsync() => _model.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_TooMany_413(bool chunked)
    {
        await using var server = await RunningServer.StartAsync(_model.Served, new ServerOptions { MaxRequestBytes = 1000 });
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(new string(' ', 2000), new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")) };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await server.Http.SendAsync(request);
        var error = await RunningServer.ErrorOfAsync(413, response);
        Assert.Contains("--max-request-mb", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_TooMany_400()
    {
        await using var server = await RunningServer.StartAsync(_model.Served, new ServerOptions { MaxMessages = 3 });
        var messages = string.Join(',', Enumerable.Repeat("""{"role":"user","content":"x"}""", 4));
        var error = await server.RefusedAsync(400, Chat, $$"""{"messages":[{{messages}}]}""");
        Assert.Equal(("messages has 4 items; 3 are the limit. Send fewer.", "messages"), (error.GetProperty("message").GetString(), error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Context_TooLong_400()
    {
        await using var server = await RunningServer.StartAsync(_model.Served);
        var error = await server.RefusedAsync(400, Chat, _model.Request(1, word: new string('x', 300)));
        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Queue_Full_429WithRetryAfter()
    {
        await using var server = await RunningServer.StartAsync(_model.Served);
        var responses = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => server.PostAsync(Chat, _model.Request(200))));
        Assert.Contains(responses, response => response.IsSuccessStatusCode);
        var refused = responses.Where(response => !response.IsSuccessStatusCode).ToList();
        Assert.NotEmpty(refused);
        foreach (var response in refused)
        {
            var error = await RunningServer.ErrorOfAsync(429, response);
            Assert.Equal(("1", "queue_full"), (response.Headers.RetryAfter!.ToString(), error.GetProperty("code").GetString()));
            Assert.Contains("--queue", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
        foreach (var response in responses) response.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Time_IsUp_408OrAnErrorInTheStream(bool stream)
    {
        var model = _model.ServedThrough((updates, cancel) => HoldAsync(updates, Task.Delay(Timeout.Infinite, cancel), cancel));
        await using var server = await RunningServer.StartAsync(model, new ServerOptions { RequestTimeout = TimeSpan.FromMilliseconds(400) });
        await _model.Engine.LoadAsync();
        using var response = await server.PostAsync(Chat, _model.Request(4, stream));
        if (!stream)
        {
            Assert.Contains("0.4 seconds", (await RunningServer.ErrorOfAsync(408, response)).GetProperty("message").GetString(), StringComparison.Ordinal);
            return;
        }
        var pieces = (await response.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("\"delta\"", pieces[0], StringComparison.Ordinal);
        Assert.Equal("timeout", JsonElement.Parse(pieces[^1]["data: ".Length..]).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Stream_SilentForLong_SendsComments()
    {
        var held = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(_model.ServedThrough((updates, cancel) => HoldAsync(updates, held.Task, cancel)), new ServerOptions { KeepAlive = TimeSpan.FromMilliseconds(30) });
        using var response = await server.PostAsync(Chat, _model.Request(4, stream: true));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (line, comments) = ("", 0);
        while (comments < 3 && (line = await reader.ReadLineAsync()) is not null) if (line == ": waiting") comments++;
        held.SetResult();
        Assert.Equal(3, comments);
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>What nobody foresaw is said without its details, in the middle of a stream too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Defect_OfTheServer_TellsNoDetails(bool stream)
    {
        await using var server = await RunningServer.StartAsync(_model.ServedThrough((updates, cancel) => HoldAsync(updates, Task.FromException(new InvalidOperationException("inner detail")), cancel)));
        using var response = await server.PostAsync(Chat, _model.Request(4, stream));
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(stream ? 200 : 500, (int)response.StatusCode);
        Assert.Contains("server_error", body, StringComparison.Ordinal);
        Assert.DoesNotContain("inner detail", body, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", body, StringComparison.Ordinal);
    }

    // The first update passes; the second waits.
    private static async IAsyncEnumerable<ChatResponseUpdate> HoldAsync(IAsyncEnumerable<ChatResponseUpdate> updates, Task until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = true;
        await foreach (var update in updates.WithCancellation(cancellationToken))
        {
            if (!first) await until;
            first = false;
            yield return update;
        }
    }
}
