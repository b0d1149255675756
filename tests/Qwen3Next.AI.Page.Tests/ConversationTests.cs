using System.Text.Json;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>Conversations with the bundled model.</summary>
public sealed class ConversationTests(BrowserFixture fixture) : PageTest(fixture)
{
    [Fact]
    public async Task Ask_Calculation_ShowsThinkingCallResultAnswerAndFigures()
    {
        var session = await BundledAsync();
        await BeGreedyAsync(session);
        var answer = await session.AskAsync("What is 37 * 12?");
        await Expect(answer.Locator(".call summary")).ToContainTextAsync("calculateexpression: \"37 * 12\"444");
        await Expect(answer.Locator(".turn").Last.Locator(":scope > .markdown")).ToContainTextAsync("444");
        var thinking = answer.Locator(".thinking").First;
        await Expect(thinking.Locator(".markdown")).Not.ToBeVisibleAsync();
        await thinking.Locator("summary").ClickAsync();
        await Expect(thinking.Locator(".markdown")).ToContainTextAsync("calculate");
        await Expect(answer.Locator(".figures")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^\d+ tokens · [\d.]+ tokens/s( · \d+ % of \d+ drafts right)?$"));
        await Expect(session.Page.GetByRole(AriaRole.Meter, new() { Name = "Context" })).ToHaveAttributeAsync("aria-valuetext", new System.Text.RegularExpressions.Regex(@"^\d+ of 8,192 tokens$"));
        await Expect(session.Page.GetByRole(AriaRole.Meter, new() { Name = "Prompt from cache" })).ToHaveAttributeAsync("aria-valuetext", new System.Text.RegularExpressions.Regex(@"^[1-9]\d* of \d+ prompt tokens$"));
    }

    [Fact]
    public async Task Reload_AfterTwoConversations_KeepsBothAndTheirHistory()
    {
        var session = await BundledAsync();
        await BeGreedyAsync(session);
        await session.AskAsync("My name is Ada.");
        await session.Button("New conversation").ClickAsync();
        await session.AskAsync("Who are you?");
        var text = await session.Answers.InnerTextAsync();

        await session.Page.ReloadAsync();
        Assert.Equal(text, await session.Answers.InnerTextAsync());
        await session.Button("My name is Ada.").ClickAsync();
        await Expect(session.Answers).ToHaveCountAsync(1);
        await Expect(await session.AskAsync("What is my name?")).ToContainTextAsync("Ada");
    }

    [Fact]
    public async Task RenameExportDelete_OfAConversation_DoSo()
    {
        var session = await ScriptedAsync(["I am a script."]);
        await session.AskAsync("Who are you?");
        await session.Page.GetByRole(AriaRole.Listitem).HoverAsync();
        await session.Button("Rename Who are you?").ClickAsync();
        await session.Page.GetByLabel("Title").FillAsync("Names");
        await session.Page.Keyboard.PressAsync("Enter");
        await Expect(session.Button("Rename Names")).ToBeFocusedAsync();

        var download = await session.Page.RunAndWaitForDownloadAsync(() => session.Button("Export Names").ClickAsync());
        Assert.Equal("Names.json", download.SuggestedFilename);
        using var exported = JsonDocument.Parse(await File.ReadAllTextAsync(await download.PathAsync()));
        Assert.Equal(["user", "assistant"], exported.RootElement.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("role").GetString()));

        await session.Button("Delete Names").ClickAsync();
        await session.Button("Cancel").ClickAsync();
        await Expect(session.Answers).ToHaveCountAsync(1);
        await session.Button("Delete Names").ClickAsync();
        await session.Button("Delete").ClickAsync();
        await Expect(session.Answers).ToHaveCountAsync(0);
        await session.Page.ReloadAsync();
        await Expect(session.Page.Locator("#conversations li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task SecondTab_Asking_ShowsInTheFirstAndLeavesWhatIsWrittenThere()
    {
        var session = await ScriptedAsync(["I am a script."]);
        await session.AskAsync("First");
        await session.Message.FillAsync("half a sent");
        var second = await session.Page.Context.NewPageAsync();
        await second.GotoAsync(session.Address);
        foreach (var question in new[] { "Second", "Third" })
        {
            await second.GetByLabel("Message", new() { Exact = true }).FillAsync(question);
            await second.Keyboard.PressAsync("Enter");
            await Expect(session.Answers).ToHaveCountAsync(question == "Second" ? 2 : 3);
        }
        await second.CloseAsync();
        await Expect(session.Message).ToHaveValueAsync("half a sent");
    }

    [Fact]
    public async Task EditAndRegenerate_Messages_ReplaceWhatFollows()
    {
        string[] pieces = ["I am a script."];
        var session = await ScriptedAsync(pieces);
        await session.AskAsync("What is 2 + 2?");
        await session.AskAsync("Who are you?");
        await session.Page.GetByRole(AriaRole.Article, new() { Name = "Your message" }).First.HoverAsync();
        await session.Button("Edit and send again").First.ClickAsync();
        await Expect(session.Message).ToHaveValueAsync("What is 2 + 2?");
        await session.AskAsync("What is 3 + 4?");
        await Expect(session.Answers).ToHaveCountAsync(1);
        await Expect(session.Page.Locator(".question")).ToHaveTextAsync(["What is 3 + 4?"]);

        pieces[0] = "I am another.";
        await session.Button("Regenerate").ClickAsync();
        await Expect(session.Answers).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^I am another."));
    }

    [Fact]
    public async Task Settings_OfSampling_AreSentAndKept()
    {
        var session = await ScriptedAsync(["I am a script."]);
        await session.Button("Settings").ClickAsync();
        await session.Page.GetByLabel("Temperature").FillAsync("0.5");
        await session.Page.GetByLabel("Seed").FillAsync("7");
        await session.Page.GetByLabel("Top p").FillAsync("3"); // not valid: neither sent nor kept
        await session.Page.GetByLabel("Instructions").FillAsync("Be brief.");
        await session.Page.GetByRole(AriaRole.Combobox, new() { Name = "Thinking" }).SelectOptionAsync("off");
        await session.Page.GetByLabel("Clock and calculator").UncheckAsync();
        await session.Page.GetByLabel("Top p").FillAsync("");
        await session.Button("Done").ClickAsync();
        await session.Page.ReloadAsync();
        await Expect(session.Page.Locator("#model")).Not.ToBeEmptyAsync();

        var request = await session.Page.RunAndWaitForRequestAsync(() => session.AskAsync("Who are you?"), "**/chat/completions");
        using var body = JsonDocument.Parse(request.PostData!);
        var sent = body.RootElement;
        Assert.Equal((0.5, 7), (sent.GetProperty("temperature").GetDouble(), sent.GetProperty("seed").GetInt32()));
        Assert.False(sent.TryGetProperty("top_p", out _) || sent.TryGetProperty("tools", out _) || sent.TryGetProperty("max_tokens", out _));
        Assert.False(sent.GetProperty("chat_template_kwargs").GetProperty("enable_thinking").GetBoolean());
        Assert.Equal("Be brief.", sent.GetProperty("messages")[0].GetProperty("content").GetString());
        await Expect(session.Answers.Locator(".error")).ToHaveCountAsync(0);
    }

    private static async Task BeGreedyAsync(PageSession session)
    {
        await session.Button("Settings").ClickAsync();
        await session.Page.GetByLabel("Temperature").FillAsync("0");
        await session.Button("Done").ClickAsync();
    }
}
