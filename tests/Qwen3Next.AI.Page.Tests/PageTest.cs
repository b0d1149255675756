using Xunit;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>A class of tests in the browser, which run one after another; each fails where the page has failed meanwhile.</summary>
[Collection("browser")]
public abstract class PageTest(BrowserFixture fixture) : IAsyncLifetime
{
    // Each test has its own: one that is shared carries over what a test leaves, questions under way and made-up answers without an end,
    // and which test comes next depends on the folder that the tests are built in.
    private PageSession? _session;

    private protected BrowserFixture Fixture { get; } = fixture;

    /// <summary>A page on a server of the bundled model, as a new visitor sees it.</summary>
    private protected async Task<PageSession> BundledAsync() => _session = await Fixture.StartAsync(Fixture.Model);

    /// <summary>A page whose model answers every question with these pieces.</summary>
    private protected async Task<PageSession> ScriptedAsync(IEnumerable<string> pieces, Func<CancellationToken, Task>? end = null, string? apiKey = null) =>
        _session = await Fixture.StartAsync(new ScriptedModel(Fixture.Model, pieces, end), apiKey);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        try
        {
            _session?.AssertNoFaults();
            Fixture.AssertNoFaults();
        }
        finally
        {
            if (_session is not null) await _session.DisposeAsync();
        }
    }
}
