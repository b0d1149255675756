using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>Answers that end too early, and requests that are refused.</summary>
public sealed class InterruptionTests(BrowserFixture fixture) : PageTest(fixture)
{
    [Fact]
    public async Task Stop_ByButtonAndByKey_KeepsWhatCameAndTellsTheServer()
    {
        var stopped = 0;
        var session = await EndlessAsync(() => Interlocked.Increment(ref stopped));
        await session.BeginAsync("Go on");
        await Expect(session.Answers).ToContainTextAsync("and so on");
        await session.Button("Stop").ClickAsync();
        await Expect(session.Answers).ToHaveTextAsync(["and so onStopped. What had arrived is kept."]);
        await Expect(session.Button("Send")).ToBeVisibleAsync();

        await session.BeginAsync("Once more");
        await Expect(session.Answers.Last).ToContainTextAsync("and so on");
        await session.Page.Keyboard.PressAsync("Escape");
        await Expect(session.Answers.Last).ToContainTextAsync("Stopped.");
        for (var i = 0; i < 100 && Volatile.Read(ref stopped) < 2; i++) await Task.Delay(100);
        Assert.Equal(2, stopped);
    }

    [Fact]
    public async Task Reload_WhileAnswering_KeepsWhatCameAsStopped()
    {
        var session = await EndlessAsync(() => { });
        await session.BeginAsync("Go on");
        await Expect(session.Answers).ToContainTextAsync("and so on");
        await session.Page.ReloadAsync();
        await Expect(session.Answers).ToContainTextAsync("and so on");
        await Expect(session.Answers).ToContainTextAsync("Stopped.");
    }

    [Fact]
    public async Task AnotherConversation_WhileAnswering_LeavesTheAnswerGoingOn()
    {
        var goOn = new TaskCompletionSource();
        var session = await ScriptedAsync(["and so on"], goOn.Task.WaitAsync);
        await session.BeginAsync("Go on");
        await Expect(session.Answers).ToContainTextAsync("and so on");
        await session.Button("New conversation").ClickAsync();
        await Expect(session.Answers).ToHaveCountAsync(0);
        await Expect(session.Button("Stop")).ToBeHiddenAsync();
        goOn.SetResult();
        await session.Button("Go on").ClickAsync();
        await Expect(session.Answers).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(session.Answers.Locator(".figures")).ToHaveTextAsync("11 tokens · 75 % of 8 drafts right");
    }

    [Fact]
    public async Task Connection_Broken_KeepsWhatCameAndOffersAnotherTry()
    {
        var failures = 0;
        var session = await ScriptedAsync(["Half an ", "answer"], _ => failures++ == 0 ? throw new InvalidOperationException("The test breaks the stream.") : Task.CompletedTask);
        await session.AskAsync("Go on");
        await Expect(session.Answers).ToContainTextAsync("Half an answer");
        await Expect(session.Page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "Try again" })).ToContainTextAsync("What had arrived is kept.");
        await session.Button("Try again").ClickAsync();
        await Expect(session.Answers.Locator(".figures")).ToContainTextAsync("11 tokens");
        await Expect(session.Answers.Locator(".error")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task ServerGone_BeforeTheAnswer_SaysSo()
    {
        var session = await ScriptedAsync(["Hello."]);
        await session.Page.RouteAsync("**/chat/completions", route => route.AbortAsync("connectionrefused"));
        await session.AskAsync("Go on");
        await session.Page.UnrouteAllAsync();
        await Expect(session.Answers).ToContainTextAsync("The server cannot be reached. Check that qwen3next serve is running");
    }

    [Fact]
    public async Task ApiKey_Wanted_IsAskedForAndForgottenWithTheTab()
    {
        var session = await ScriptedAsync(["I am a script."], apiKey: "secret");
        await Expect(session.Page.Locator("#notice")).ToContainTextAsync("Enter the server’s API key in the settings");
        await session.Button("Settings").ClickAsync();
        await session.Page.GetByLabel("API key").FillAsync("secret");
        await session.Button("Done").ClickAsync();
        await Expect(session.Page.Locator("#notice")).ToBeHiddenAsync();
        await Expect(await session.AskAsync("Who are you?")).ToContainTextAsync("tokens");
        Assert.DoesNotContain("secret", await session.Page.EvaluateAsync<string>("JSON.stringify(localStorage)"), StringComparison.Ordinal);
    }

    private Task<PageSession> EndlessAsync(Action stopped) => ScriptedAsync(["and so on"], async token =>
    {
        try
        {
            await Task.Delay(Timeout.Infinite, token);
        }
        finally
        {
            stopped();
        }
    });
}
