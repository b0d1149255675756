using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Playwright;
using Qwen3Next.AI.Cli.Server;
using Xunit;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>A server, and a browser's page on it. What the page does wrong, and every request to another host, is a fault.</summary>
internal sealed class PageSession : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _faults = new();

    private PageSession(WebApplication server, IBrowserContext context, IPage page)
    {
        (_server, _context, Page) = (server, context, page);
        page.SetDefaultTimeout(20_000);
        page.PageError += (_, error) => _faults.Enqueue(error);
        page.Console += (_, message) =>
        {
            // The browser reports refused requests there too; the page shows them, and tests look at that.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)) _faults.Enqueue(message.Text);
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(Address, StringComparison.Ordinal)) _faults.Enqueue($"The page asked for {request.Url}.");
        };
    }

    public IPage Page { get; }

    public string Address => _server.Urls.First();

    public ILocator Message => Page.GetByRole(AriaRole.Textbox, new() { Name = "Message", Exact = true });

    public ILocator Answers => Page.GetByRole(AriaRole.Article, new() { Name = "Answer" });

    public static async Task<PageSession> StartAsync(IBrowser browser, IChatClient model, string? apiKey = null)
    {
        var server = ModelServer.Create(new ServedModel(model), new ServerOptions { ApiKey = apiKey });
        await server.StartAsync();
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = 1200, Height = 800 } });
        var session = new PageSession(server, context, await context.NewPageAsync());
        await session.Page.GotoAsync(session.Address);
        if (apiKey is null) await Assertions.Expect(session.Page.Locator("#model")).Not.ToBeEmptyAsync();
        return session;
    }

    /// <summary>Sends a message as a person does, and waits for the end of the answer.</summary>
    public async Task<ILocator> AskAsync(string text)
    {
        await BeginAsync(text);
        await Assertions.Expect(Answers.Last).ToHaveAttributeAsync("aria-busy", "false", new() { Timeout = 20_000 });
        return Answers.Last;
    }

    public async Task BeginAsync(string text)
    {
        await Message.FillAsync(text);
        await Message.PressAsync("Enter");
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public void AssertNoFaults()
    {
        string[] faults = [.. _faults];
        _faults.Clear();
        Assert.Empty(faults);
    }

    public async ValueTask DisposeAsync()
    {
        await _context.CloseAsync();
        await _server.DisposeAsync();
    }
}
