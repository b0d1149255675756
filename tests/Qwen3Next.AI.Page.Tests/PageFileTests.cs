using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Qwen3Next.AI.Cli.Server;
using Xunit;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>The page's files and its reader of PDF files, by HTTP.</summary>
public sealed class PageFileTests(BrowserFixture fixture) : IAsyncLifetime
{
    private readonly WebApplication _server = ModelServer.Create(new ServedModel(fixture.Model), new ServerOptions { ApiKey = "secret" });
    private readonly HttpClient _http = new();

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _http.BaseAddress = new Uri(_server.Urls.First());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/js/main.js", "text/javascript; charset=utf-8")]
    [InlineData("/css/base.css", "text/css; charset=utf-8")]
    [InlineData("/icons.svg", "image/svg+xml")]
    public async Task Get_AFile_NeedsNoKeyAndRunsNothingForeign(string path, string type)
    {
        using var response = await _http.GetAsync(path);
        Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.Contains("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());

        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { response.Headers.ETag! } } };
        using var unchanged = await _http.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Theory]
    [InlineData("/index.html")]
    [InlineData("/js/../../appsettings.json")]
    [InlineData("/js/%2e%2e%2fPage.cs")]
    [InlineData("/js/")]
    public async Task Get_NoFile_Is404(string path)
    {
        using var response = await _http.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("\"error\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_OfThePage_AreShort()
    {
        foreach (var name in typeof(Cli.Server.Page).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("page/js", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(typeof(Cli.Server.Page).Assembly.GetManifestResourceStream(name)!);
            Assert.InRange((await reader.ReadToEndAsync()).Count(c => c == '\n'), 1, 200);
        }
    }

    [Fact]
    public async Task PageText_Pdf_GivesItsText()
    {
        var (status, body) = await SendAsync(TestPdf.Of("First page.", "Second page."));
        Assert.Equal((HttpStatusCode.OK, """{"pages":2,"text":"First page.\n\nSecond page."}"""), (status, body));
    }

    [Fact]
    public async Task PageText_WithoutKeyOrType_IsRefused()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(TestPdf.Of("x"), key: "wrong")).Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await SendAsync(TestPdf.Of("x"), "text/plain")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await SendAsync(new byte[(20 << 20) + 1])).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("%PDF-1.7\n1 0 obj\n<< /Pages 1 0 R /Type /Catalog /Kids [1 0 R] >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF")]
    public async Task PageText_Damaged_IsRefusedInOneLine(string text) => AssertRefused(await SendAsync(System.Text.Encoding.Latin1.GetBytes(text)));

    /// <summary>A reader that follows nested arrays by calls runs out of stack, which no program survives.</summary>
    [Fact]
    public async Task PageText_NestedDeep_LeavesTheServerRunning()
    {
        var nested = "%PDF-1.7\n1 0 obj\n" + new string('[', 500_000) + "\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF";
        AssertRefused(await SendAsync(System.Text.Encoding.Latin1.GetBytes(nested)));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(TestPdf.Of("x"))).Status);
    }

    [Fact]
    public async Task Read_LongerThanTheLimit_IsEndedWithItsProcess()
    {
        using var slow = new SlowStream();
        var error = await Assert.ThrowsAsync<ApiException>(() => PdfProcess.ReadAsync(slow, TimeSpan.FromSeconds(0.3), CancellationToken.None));
        Assert.StartsWith("The PDF file could not be read within 0.3 seconds.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PageText_BytesChanged_NeverFailsTheServer()
    {
        var random = new Random(1);
        var whole = TestPdf.Of("Some text to change.");
        for (var i = 0; i < AI.Tests.Nightly.Count(200) / 10; i++)
        {
            var changed = whole.ToArray();
            for (var k = 0; k < 20; k++) changed[random.Next(changed.Length)] = (byte)random.Next(256);
            var answer = await SendAsync(changed);
            if (answer.Status != HttpStatusCode.OK) AssertRefused(answer);
        }
    }

    private static void AssertRefused((HttpStatusCode Status, string Body) answer)
    {
        Assert.True(answer.Status == HttpStatusCode.BadRequest, answer.ToString());
        Assert.StartsWith("""{"error":{"message":"The PDF file """, answer.Body, StringComparison.Ordinal);
        Assert.True(answer.Body.Length < 300, answer.Body);
    }

    private async Task<(HttpStatusCode Status, string Body)> SendAsync(byte[] pdf, string type = "application/pdf", string key = "secret")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/page/text") { Content = new ByteArrayContent(pdf) { Headers = { ContentType = new MediaTypeHeaderValue(type) } } };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.ExpectContinue = true; // a refusal comes before the file is sent
        using var response = await _http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private sealed class SlowStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
