using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Qwen3Next.AI.Cli.Tests.Download;

/// <summary>
/// A hub on this machine that answers as Hugging Face and as ModelScope do. Weights are served under another host name, after a redirect. It can do
/// all the wrong that networks and servers do.
/// </summary>
internal sealed class HubServer : IDisposable
{
    public const string Model = "Somebody/some-model", Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly HttpListener _listener = new();
    private readonly Task _loop;
    private readonly int _port;

    public HubServer()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            _port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        _listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
        _listener.Prefixes.Add($"http://localhost:{_port}/");
        _listener.Start();
        _loop = Task.Run(RunAsync);
    }

    public Uri Address => new($"http://127.0.0.1:{_port}/");

    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Entries of the list that are not so: name, then size or hash.</summary>
    public Dictionary<string, (long? Size, string? Sha256)> Lies { get; } = [];

    /// <summary>File bytes after which a connection is cut, one for each answer to come.</summary>
    public ConcurrentQueue<int> Cuts { get; } = [];

    /// <summary>What the next answers are in place of a file: a status, and Retry-After.</summary>
    public ConcurrentQueue<(int Status, string? RetryAfter)> Refusals { get; } = [];

    /// <summary>Contents that the next answers give in place of the file's.</summary>
    public ConcurrentQueue<byte[]> Swaps { get; } = [];

    public bool IgnoresRanges { get; set; }

    public bool HidesLength { get; set; }

    /// <summary>Bytes after which an answer stops and waits; <see cref="Holds"/> tells that one does.</summary>
    public int? HoldAfter { get; set; }

    public TaskCompletionSource Holds { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where the list's second page is said to be; null for one page.</summary>
    public string? NextPage { get; set; }

    public ConcurrentQueue<(string Host, string Path, string? Range, string? Authorization, string? Cookie)> Requests { get; } = [];

    public IEnumerable<string?> RangesOf(string name) => Requests.Where(r => r.Host.StartsWith("localhost", StringComparison.Ordinal) && r.Path.EndsWith(name, StringComparison.Ordinal)).Select(r => r.Range);

    public void Dispose()
    {
        _listener.Close();
        _loop.Wait();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => AnswerAsync(context));
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Url!.PathAndQuery;
        Requests.Enqueue((request.UserHostName, path, request.Headers["Range"], request.Headers["Authorization"], request.Headers["Cookie"]));
        try
        {
            if (path.StartsWith($"/api/models/{Model}/revision/", StringComparison.Ordinal)) Json(response, new JsonObject { ["sha"] = Commit });
            else if (path.StartsWith($"/api/models/{Model}/tree/{Commit}", StringComparison.Ordinal)) ListAsHuggingFace(response, path);
            else if (path.StartsWith($"/api/v1/models/{Model}/repo/files", StringComparison.Ordinal)) ListAsModelScope(response);
            else if (Files.Keys.FirstOrDefault(name => path.EndsWith('/' + name, StringComparison.Ordinal) || path.EndsWith($"FilePath={name}", StringComparison.Ordinal)) is { } name) await FileAsync(request, response, name);
            else Refuse(response, 404, null);
            response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away.
        }
    }

    private void ListAsHuggingFace(HttpListenerResponse response, string path)
    {
        var second = path.EndsWith("page=2", StringComparison.Ordinal);
        if (NextPage is not null && !second) response.Headers["Link"] = $"<{NextPage}>; rel=\"next\"";
        var names = Files.Keys.Where((_, i) => NextPage is null || i % 2 == (second ? 1 : 0));
        Json(response, new JsonArray([.. names.Select(name => new JsonObject
        {
            ["type"] = "file", ["path"] = name, ["size"] = SizeOf(name), ["oid"] = Convert.ToHexStringLower(SHA256.HashData(Files[name]))[..40],
            ["lfs"] = IsLarge(name) ? new JsonObject { ["oid"] = HashOf(name), ["size"] = SizeOf(name) } : null,
        }).Append(new JsonObject { ["type"] = "directory", ["path"] = "original" })]));
    }

    private void ListAsModelScope(HttpListenerResponse response) => Json(response, new JsonObject
    {
        ["Code"] = 200,
        ["Data"] = new JsonObject
        {
            [nameof(Files)] = new JsonArray([.. Files.Keys.Select(name => new JsonObject
            {
                ["Type"] = "blob", ["Name"] = name, ["Path"] = name, ["Size"] = SizeOf(name), ["Sha256"] = HashOf(name), ["Revision"] = Commit,
            })]),
        },
    });

    private async Task FileAsync(HttpListenerRequest request, HttpListenerResponse response, string name)
    {
        if (Refusals.TryDequeue(out var refusal))
        {
            Refuse(response, refusal.Status, refusal.RetryAfter);
            return;
        }
        if (IsLarge(name) && !request.UserHostName.StartsWith("localhost", StringComparison.Ordinal))
        {
            response.Redirect($"http://localhost:{_port}/storage/{name}");
            return;
        }
        var content = Swaps.TryDequeue(out var swap) ? swap : Files[name];
        var from = request.Headers["Range"] is { } range && !IgnoresRanges ? int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture) : 0;
        if (from > 0)
        {
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {from}-{content.Length - 1}/{content.Length}";
        }
        var end = Cuts.TryDequeue(out var cut) ? Math.Min(cut, content.Length) : content.Length;
        if (HidesLength) response.SendChunked = true;
        else response.ContentLength64 = content.Length - from;
        if (HoldAfter is { } hold && IsLarge(name))
        {
            await response.OutputStream.WriteAsync(content.AsMemory(0, hold));
            await response.OutputStream.FlushAsync();
            Holds.TrySetResult();
            await Task.Delay(TimeSpan.FromSeconds(20));
        }
        await response.OutputStream.WriteAsync(content.AsMemory(from, Math.Max(0, end - from)));
        await response.OutputStream.FlushAsync();
        if (end < content.Length) response.Abort();
    }

    private static bool IsLarge(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal);

    private long SizeOf(string name) => Lies.GetValueOrDefault(name).Size ?? Files[name].Length;

    private string HashOf(string name) => Lies.GetValueOrDefault(name).Sha256 ?? Convert.ToHexStringLower(SHA256.HashData(Files[name]));

    private static void Refuse(HttpListenerResponse response, int status, string? retryAfter)
    {
        response.StatusCode = status;
        if (retryAfter is not null) response.Headers["Retry-After"] = retryAfter;
    }

    private static void Json(HttpListenerResponse response, JsonNode json) => response.OutputStream.Write(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
