using System.Net;
using Qwen3Next.AI.Cli.Server;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Server;

/// <summary>Who may ask.</summary>
public sealed class AccessTests : IAsyncDisposable
{
    private const string Key = "secret-key";
    private readonly EndlessModel _model = new();

    public ValueTask DisposeAsync() => _model.DisposeAsync();

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer secret-ke")]
    [InlineData("Bearer secret-key2")]
    [InlineData("Basic secret-key")]
    [InlineData("secret-key")]
    public async Task Key_MissingOrWrong_401(string? header)
    {
        await using var server = await RunningServer.StartAsync(_model.Served, new ServerOptions { ApiKey = Key });
        foreach (var path in new[] { "/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/metrics" })
        {
            var post = path.EndsWith('s') && path != "/v1/models" && path != "/metrics";
            using var response = await SendAsync(server, post ? HttpMethod.Post : HttpMethod.Get, path, header);
            var error = await RunningServer.ErrorOfAsync(401, response);
            Assert.Equal(("authentication_error", "invalid_api_key"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
            Assert.DoesNotContain("cret", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/v1/models", "Bearer secret-key", 200)]
    [InlineData("/v1/models", "bearer  secret-key ", 200)]
    [InlineData("/metrics", "Bearer secret-key", 200)]
    [InlineData("/health", null, 200)]
    [InlineData("/nothing", null, 404)]
    public async Task Key_RightOrNotNeeded_IsLetIn(string path, string? header, int status)
    {
        await using var server = await RunningServer.StartAsync(_model.Served, new ServerOptions { ApiKey = Key });
        using var response = await SendAsync(server, HttpMethod.Get, path, header);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:1234", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("models.example", false)]
    [InlineData("localhost.example", false)]
    [InlineData("192.168.0.1", false)]
    public async Task Host_OfAnotherNameWithoutKey_403(string host, bool allowed)
    {
        await using var server = await RunningServer.StartAsync(_model.Served);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { Host = host } };
        using var response = await server.Http.SendAsync(request);
        if (allowed) Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        else await RunningServer.ErrorOfAsync(403, response);
    }

    [Fact]
    public async Task Host_AnyNameWithKey_IsLetIn()
    {
        await using var server = await RunningServer.StartAsync(_model.Served, new ServerOptions { ApiKey = Key });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health") { Headers = { Host = "models.example" } };
        using var response = await server.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>What a web page can send to any address without asking.</summary>
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData(null)]
    public async Task ContentType_OtherThanJson_415(string? type)
    {
        await using var server = await RunningServer.StartAsync(_model.Served);
        using var content = new StringContent(_model.Request(1));
        content.Headers.Remove("Content-Type");
        if (type is not null) content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await server.Http.PostAsync("/v1/chat/completions", content);
        await RunningServer.ErrorOfAsync(415, response);
    }

    private static async Task<HttpResponseMessage> SendAsync(RunningServer server, HttpMethod method, string path, string? authorization)
    {
        using var request = new HttpRequestMessage(method, path);
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return await server.Http.SendAsync(request);
    }
}
