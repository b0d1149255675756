using Xunit;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>A class of tests in the browser. They share its pages, one after another; each fails where the page has failed meanwhile.</summary>
[Collection("browser")]
public abstract class PageTest(BrowserFixture fixture) : IAsyncLifetime
{
    private protected BrowserFixture Fixture { get; } = fixture;

    /// <summary>A fresh page whose model answers every question with these pieces.</summary>
    private protected async Task<PageSession> ScriptedAsync(IEnumerable<string> pieces, Func<CancellationToken, Task>? end = null)
    {
        (Fixture.Script.Pieces, Fixture.Script.End) = (pieces, end);
        return await Fixture.ScriptedAsync();
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Fixture.AssertNoFaults();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
