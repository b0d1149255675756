using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Qwen3Next.AI.Cli.Server;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>A server on a free port of this machine, and a plain client of it.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningServer(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Urls.Single());
        Http = new HttpClient { BaseAddress = Address };
    }

    public Uri Address { get; }

    /// <summary>Where official clients look.</summary>
    public Uri Version1 => new(Address, "v1");

    public HttpClient Http { get; }

    public static async Task<RunningServer> StartAsync(ServedModel model, ServerOptions? options = null)
    {
        var app = ModelServer.Create(model, options ?? new ServerOptions());
        await app.StartAsync();
        return new RunningServer(app);
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, CancellationToken cancellationToken = default) =>
        PostAsync(path, Encoding.UTF8.GetBytes(json), cancellationToken);

    public async Task<HttpResponseMessage> PostAsync(string path, byte[] body, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Asks, and reads the error object that must come.</summary>
    public async Task<JsonElement> RefusedAsync(int status, string path, string json)
    {
        using var response = await PostAsync(path, json);
        return await ErrorOfAsync(status, response);
    }

    public static async Task<JsonElement> ErrorOfAsync(int status, HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var error = JsonElement.Parse(body).GetProperty("error");
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.NotEqual("", error.GetProperty("type").GetString());
        Assert.True(error.TryGetProperty("param", out _) && error.TryGetProperty("code", out _));
        return error;
    }

    /// <summary>As Ctrl+C does it.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
