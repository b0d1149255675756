using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>The page for those who use no mouse, or do not see it.</summary>
public sealed class AccessTests(BrowserFixture fixture) : PageTest(fixture)
{
    [Fact]
    public async Task Keyboard_Alone_HoldsAConversation()
    {
        var session = await ScriptedAsync(["Hello."]);
        var keyboard = session.Page.Keyboard;
        await Expect(session.Message).ToBeFocusedAsync();
        await keyboard.TypeAsync("One");
        await keyboard.PressAsync("Shift+Enter");
        await keyboard.TypeAsync("Two");
        await keyboard.PressAsync("Enter");
        await Expect(session.Page.Locator(".bubble p")).ToHaveTextAsync("One\nTwo");
        await Expect(session.Answers).ToContainTextAsync("Hello.");
        await Expect(session.Message).ToBeFocusedAsync();

        List<string> names = [];
        for (var i = 0; i < 20; i++)
        {
            await keyboard.PressAsync("Tab");
            var focused = await session.Page.EvaluateAsync<string[]>("(n => [n.getAttribute('aria-label') ?? n.textContent.trim(), getComputedStyle(n).outlineStyle, n.id || n.localName])(document.activeElement)");
            names.Add(focused[0]);
            // The form around the message shows that it has the focus.
            if (focused[2] is not ("message" or "body")) Assert.True(focused[1] != "none", $"{focused[0]} {focused[2]} has no outline");
        }
        // All that can be done, in the order in which it is seen.
        string[] expected = ["Skip to the message", "Switch between light and dark", "Settings", "New conversation", "One Two", "Rename One Two", "Edit and send again", "Copy answer", "Regenerate"];
        Assert.Equal(expected, names.Where(expected.Contains).Distinct().OrderBy(name => Cyclic(names, name)));
    }

    [Fact]
    public async Task Dialog_OfSettings_TakesTheFocusAndGivesItBack()
    {
        var session = await ScriptedAsync(["Hello."]);
        await session.Button("Settings").FocusAsync();
        await session.Page.Keyboard.PressAsync("Enter");
        await Expect(session.Page.GetByRole(AriaRole.Dialog, new() { Name = "Settings" })).ToBeVisibleAsync();
        await Expect(session.Page.GetByLabel("Instructions")).ToBeFocusedAsync();
        await session.Page.Keyboard.PressAsync("Escape");
        await Expect(session.Button("Settings")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Tree_OfThePage_HasLandmarksAndNames()
    {
        var session = await ScriptedAsync(["Hello."]);
        await session.AskAsync("Hello?");
        var cdp = await session.Page.Context.NewCDPSessionAsync(session.Page);
        var tree = (await cdp.SendAsync("Accessibility.getFullAXTree"))!.Value.GetProperty("nodes").EnumerateArray()
            .Where(node => !node.GetProperty("ignored").GetBoolean())
            .Select(node => (Role: node.GetProperty("role").GetProperty("value").GetString()!, Name: node.TryGetProperty("name", out var name) ? name.GetProperty("value").GetString()! : "")).ToList();

        (string, string)[] expected =
        [
            ("banner", ""), ("navigation", "Conversations"), ("main", ""), ("form", "New message"), ("log", "Messages"), ("status", ""), ("heading", "Qwen3Next.AI"),
            ("article", "Your message"), ("article", "Answer"), ("textbox", "Message"), ("button", "Send"), ("button", "Attach text, Markdown or PDF"), ("meter", "Context"),
        ];
        Assert.Empty(expected.Except(tree));
        // Whatever can be used has a name.
        string[] usable = ["button", "textbox", "link", "combobox", "checkbox", "spinbutton", "meter", "dialog"];
        Assert.All(tree.Where(node => usable.Contains(node.Role)), node => Assert.NotEqual("", node.Name));
    }

    [Fact]
    public async Task Announcer_WhileAnswering_ReadsSentencesOnceAndNoCode()
    {
        var pieces = "The first sen|tence. The second| one has **wei|ght**. And\n\n```js\nlet not_read = 1.0;\n```\n\nThe la|st".Split('|');
        var session = await ScriptedAsync(pieces, token => Task.Delay(300, token));
        await session.Page.EvaluateAsync("""
            () => {
                window.said = [];
                new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node => window.said.push(node.textContent)))).observe(document.getElementById('announcer'), { childList: true });
            }
            """);
        await session.AskAsync("Speak");
        await Expect(session.Page.Locator("#announcer")).ToContainTextAsync("End of the answer.");
        var said = await session.Page.EvaluateAsync<string[]>("window.said");
        Assert.Equal("The first sentence. The second one has weight. And Code. The last End of the answer.", string.Join(' ', string.Join(' ', said).Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.True(said.Length <= 4, $"{said.Length} announcements");
    }

    /// <summary>Where a name comes first after the page's beginning; the keys began in the middle of the page.</summary>
    private static int Cyclic(List<string> names, string name)
    {
        var begin = names.IndexOf("Skip to the message");
        return (names.IndexOf(name) - begin + names.Count) % names.Count;
    }
}
