using Microsoft.Extensions.AI;
using Microsoft.Playwright;
using Qwen3Next.AI.Page.Tests;
using Qwen3Next.AI.TinyModel;
using Xunit;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace Qwen3Next.AI.Page.Tests;

/// <summary>One browser, one loaded model, and two pages for all tests: on a server of that model, and on one whose answers the tests make up.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome"];

    private Qwen3NextEngine? _engine;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private PageSession? _bundled, _scripted;

    /// <summary>The bundled model.</summary>
    internal IChatClient Model { get; private set; } = null!;

    internal ScriptedModel Script { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path });
        Model = new Qwen3NextChatClient(_engine, new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path });
        Script = new ScriptedModel(Model);
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        if (s_names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists) is not { } chromium) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>The page on the bundled model's server, as a new visitor sees it.</summary>
    internal async Task<PageSession> BundledAsync() => await (_bundled ??= await StartAsync(Model)).ResetAsync();

    /// <summary>The same on the server with made-up answers.</summary>
    internal async Task<PageSession> ScriptedAsync() => await (await AnyAsync()).ResetAsync();

    /// <summary>The latter in whatever state it is, for tests of its modules.</summary>
    internal async Task<PageSession> AnyAsync() => _scripted ??= await StartAsync(Script);

    /// <summary>A page and a server of their own.</summary>
    internal async Task<PageSession> StartAsync(IChatClient model, string? apiKey = null)
    {
        Assert.SkipWhen(_browser is null, "Chromium is not installed; on Debian: apt-get install chromium");
        return await PageSession.StartAsync(_browser!, model, apiKey);
    }

    internal void AssertNoFaults()
    {
        foreach (var session in new[] { _bundled, _scripted }) session?.AssertNoFaults();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in new[] { _bundled, _scripted })
            if (session is not null) await session.DisposeAsync();
        if (_browser is not null) await _browser.CloseAsync();
        _playwright?.Dispose();
        if (_engine is not null) await _engine.DisposeAsync();
    }
}
