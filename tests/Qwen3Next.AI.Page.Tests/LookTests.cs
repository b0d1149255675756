using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>Widths, colors and motion.</summary>
public sealed class LookTests(BrowserFixture fixture) : PageTest(fixture)
{
    private const string Wide = "A word_that_is_very_long_and_has_no_place_to_break_it_because_it_goes_on_and_on_and_on.\n\n```\na line of code that is much longer than a phone is wide, so that it must scroll\n```\n\n| a | b | c | d | e | f |\n|---|---|---|---|---|---|\n| wide | wide | wide | wide | wide | wide |";

    [Fact]
    public async Task Narrow_Window_HasNoSidewaysScrollAndItsListOpens()
    {
        var session = await ScriptedAsync([Wide]);
        await session.Page.SetViewportSizeAsync(360, 640);
        await session.AskAsync("Be wide");
        Assert.Equal("360 of 360", await session.Page.EvaluateAsync<string>("`${document.documentElement.scrollWidth} of ${innerWidth}`"));
        Assert.True(await session.Page.EvaluateAsync<bool>("(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.getElementById('scroller'))"), "the conversation scrolls sideways");
        foreach (var name in new[] { "Send", "Settings", "Attach text, Markdown or PDF" }) await Expect(session.Button(name)).ToBeInViewportAsync();

        await Expect(session.Button("New conversation")).ToBeHiddenAsync();
        await session.Button("Conversations").ClickAsync();
        await Expect(session.Button("Be wide")).ToBeInViewportAsync();
        await session.Page.Keyboard.PressAsync("Escape");
        await Expect(session.Button("New conversation")).ToBeHiddenAsync();
        await Expect(session.Button("Conversations")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Theme_OfTheSystem_HoldsUntilAnotherIsChosen()
    {
        var session = await ScriptedAsync([]);
        await session.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        Assert.True(await BrightnessAsync(session) < 60);
        await session.Button("Switch between light and dark").ClickAsync();
        Assert.True(await BrightnessAsync(session) > 240);
        await session.Page.ReloadAsync();
        Assert.True(await BrightnessAsync(session) > 240);
    }

    [Fact]
    public async Task Text_InEachTheme_HasContrast()
    {
        var session = await ScriptedAsync(["Text with `code`, a [link](https://example.org) and\n\n> a quote"]);
        await session.AskAsync("Look");
        Assert.Empty(await LowContrastAsync(session));
        await session.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        Assert.Empty(await LowContrastAsync(session));
    }

    [Fact]
    public async Task Motion_NotWanted_IsNone()
    {
        var session = await ScriptedAsync([], token => Task.Delay(Timeout.Infinite, token));
        await session.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await session.BeginAsync("Wait");
        await Expect(session.Answers.Locator(".waiting")).ToHaveCSSAsync("animation-name", "none");
    }

    /// <summary>Texts that stand out from what is behind them by less than 4.5 to 1, which WCAG 2.2 AA asks for.</summary>
    private static Task<string[]> LowContrastAsync(PageSession session) => session.Page.EvaluateAsync<string[]>("""
            () => {
                const parse = color => (color.match(/[\d.]+/g) ?? []).map(Number);
                const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                const behind = node => { for (let at = node; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3] !== 0) return c; } };
                return [...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && !node.closest('dialog, .visually-hidden, :disabled') && [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())).map(node => {
                    const [a, b] = [luminance(parse(getComputedStyle(node).color)), luminance(behind(node))].sort((x, y) => y - x);
                    return [(a + 0.05) / (b + 0.05), node];
                }).filter(([ratio]) => ratio < 4.5).map(([ratio, node]) => `${ratio.toFixed(2)}: ${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`);
            }
            """);

    private static Task<int> BrightnessAsync(PageSession session) =>
        session.Page.EvaluateAsync<int>("Math.max(...getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number))");
}
