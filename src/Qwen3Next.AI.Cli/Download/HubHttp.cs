using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Qwen3Next.AI.Cli.Download;

/// <summary>An access token.</summary>
/// <param name="Value">The secret.</param>
/// <param name="Cookie">Name of the cookie that a hub wants it in; null for an authorization header.</param>
internal sealed record HubToken(string Value, string? Cookie = null);

/// <summary>Requests to one hub. Its token goes to that server alone, never to one that it redirects to.</summary>
internal sealed class HubHttp : IDisposable
{
    private const int MostListBytes = 64 << 20;

    private readonly HttpClient _client;
    private readonly Uri _address;
    private readonly HubToken? _token;
    private readonly TimeSpan _silence;

    /// <param name="address">Of the hub.</param>
    /// <param name="token">Null where none is needed.</param>
    /// <param name="silence">Longest wait for headers, and for the bytes after those before.</param>
    public HubHttp(Uri address, HubToken? token, TimeSpan silence)
    {
        (_address, _token, _silence) = (address, token, silence);
        var handler = new SocketsHttpHandler { ConnectTimeout = silence };
        if (token is { Cookie: { } name }) handler.CookieContainer.Add(address, new Cookie(name, token.Value));
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostListBytes };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("qwen3next", typeof(HubHttp).Assembly.GetName().Version?.ToString()));
    }

    /// <summary>A JSON answer, and the address of its next page where there is one.</summary>
    /// <exception cref="Qwen3NextException">The hub refuses, or answers something else.</exception>
    /// <exception cref="IOException">The network failed; it may work again.</exception>
    public async Task<(JsonElement Json, Uri? Next)> GetJsonAsync(Uri uri, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, uri), HttpCompletionOption.ResponseContentRead, cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            return (document.RootElement.Clone(), NextPage(response, uri));
        }
        catch (JsonException e)
        {
            throw new Qwen3NextException($"{uri} did not answer with JSON: {e.Message} Check --from.", e);
        }
    }

    /// <summary>The bytes of a file from an offset on. The answer may ignore the offset: its status says so.</summary>
    /// <exception cref="Qwen3NextException">The hub refuses.</exception>
    /// <exception cref="IOException">The network failed; it may work again.</exception>
    public Task<HttpResponseMessage> GetFileAsync(Uri uri, long offset, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, uri);
        if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
        return SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Reads what comes next, or fails when nothing does for too long.</summary>
    public Task<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken) =>
        NetworkAsync(token => stream.ReadAsync(buffer, token).AsTask(), cancellationToken);

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using (request)
        {
            var uri = request.RequestUri!;
            // The handler removes this header when it follows a redirect, and sends a cookie to its own host alone.
            if (_token is { Cookie: null } && IsHub(uri)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token.Value);
            var response = await NetworkAsync(token => _client.SendAsync(request, completion, token), cancellationToken);
            if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return response;
            using (response) throw HubErrors.Of(response, uri, _token is not null);
        }
    }

    /// <summary>Failures of the network as one type of error, so that they can be tried again.</summary>
    private async Task<T> NetworkAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(_silence);
        try
        {
            return await call(silence.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"nothing came from {_address.Authority} for {_silence.TotalSeconds:0} seconds");
        }
        catch (HttpRequestException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private bool IsHub(Uri uri) => uri.Scheme == _address.Scheme && uri.Authority == _address.Authority;

    /// <summary>Link: &lt;address&gt;; rel="next". Only the hub itself may continue its list.</summary>
    private Uri? NextPage(HttpResponseMessage response, Uri page)
    {
        if (!response.Headers.TryGetValues("Link", out var links)) return null;
        foreach (var link in links.SelectMany(line => line.Split(',')))
        {
            if (!link.Contains("rel=\"next\"", StringComparison.Ordinal) || link.Split('<', '>') is not [_, var address, ..]) continue;
            if (Uri.TryCreate(page, address, out var next) && IsHub(next)) return next;
            throw new Qwen3NextException($"{page} continues its list at '{address}', which is not {_address.Authority}. Nothing was downloaded; use another source with --from.");
        }
        return null;
    }
}
