using Microsoft.Extensions.AI;
using Microsoft.Playwright;
using Qwen3Next.AI.Page.Tests;
using Qwen3Next.AI.TinyModel;
using Xunit;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace Qwen3Next.AI.Page.Tests;

/// <summary>One browser and one loaded model for all tests.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] s_names = ["chromium", "chromium-browser", "google-chrome"];

    private Qwen3NextEngine? _engine;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private PageSession? _idle;

    /// <summary>The bundled model.</summary>
    internal IChatClient Model { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path });
        Model = new Qwen3NextChatClient(_engine, new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path });
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        if (s_names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists) is not { } chromium) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A page for tests of its modules, which leave it as it is.</summary>
    internal async Task<PageSession> IdleAsync() => _idle ??= await StartAsync(Model);

    /// <summary>A new page on a new server.</summary>
    internal async Task<PageSession> StartAsync(IChatClient model, string? apiKey = null)
    {
        Assert.SkipWhen(_browser is null, "Chromium is not installed; on Debian: apt-get install chromium");
        return await PageSession.StartAsync(_browser!, model, apiKey);
    }

    internal void AssertNoFaults() => _idle?.AssertNoFaults();

    public async ValueTask DisposeAsync()
    {
        if (_idle is not null) await _idle.DisposeAsync();
        if (_browser is not null) await _browser.CloseAsync();
        _playwright?.Dispose();
        if (_engine is not null) await _engine.DisposeAsync();
    }
}
