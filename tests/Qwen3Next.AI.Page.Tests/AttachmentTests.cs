using System.Text;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>Files that go with a message.</summary>
public sealed class AttachmentTests(BrowserFixture fixture) : PageTest(fixture)
{
    [Fact]
    public async Task Attach_TextAndPdf_AreSentBeforeTheQuestion()
    {
        var session = await ScriptedAsync(["Ida does."]);
        await AttachAsync(session, ("notes.md", "text/markdown", "The old lamp belongs to Ida."u8.ToArray()), ("report.pdf", "application/pdf", TestPdf.Of("The red chair stands in the kitchen.")));
        await Expect(session.Page.Locator(".chip .name")).ToHaveTextAsync(["notes.md", "report.pdf"]);
        var request = await session.Page.RunAndWaitForRequestAsync(() => session.AskAsync("Who owns the old lamp?"), "**/chat/completions");
        using var body = System.Text.Json.JsonDocument.Parse(request.PostData!);
        Assert.Equal("notes.md:\n\nThe old lamp belongs to Ida.\n\nreport.pdf:\n\nThe red chair stands in the kitchen.\n\nWho owns the old lamp?",
            body.RootElement.GetProperty("messages")[0].GetProperty("content").GetString());
        await Expect(session.Page.Locator(".attachment").Nth(1)).ToContainTextAsync("report.pdf 1 page, 36 characters");
        await Expect(session.Page.Locator(".chip")).ToHaveCountAsync(0);
        await Expect(session.Answers).ToContainTextAsync("Ida");
    }

    [Fact]
    public async Task Attach_WhatCannotBeRead_SaysSo()
    {
        var session = await ScriptedAsync(["Hello."]);
        foreach (var (name, content, message) in new[] { ("image.png", [0x89, 0x50, 0xff, 0xfe], "is not text in UTF-8"), ("empty.txt", [0x20], "has no text"), ("broken.pdf", "%PDF"u8.ToArray(), "cannot be read") })
        {
            await AttachAsync(session, (name, "application/octet-stream", content));
            await Expect(session.Page.Locator("#notice")).ToContainTextAsync(message);
            await Expect(session.Page.Locator(".chip")).ToHaveCountAsync(0);
        }
    }

    [Fact]
    public async Task Storage_Full_SaysSoAndTheConversationGoesOn()
    {
        var session = await ScriptedAsync(["Read."]);
        await session.AskAsync("Fits");
        await session.Page.EvaluateAsync("localStorage.setItem('qwen3next.conversation.other', 'x'.repeat(3_999_000))");
        await AttachAsync(session, ("long.txt", "text/plain", Encoding.UTF8.GetBytes(new string('x', 1000))));
        await session.AskAsync("Does not fit");
        await Expect(session.Page.Locator("#notice")).ToContainTextAsync("room for conversations is full");
        await Expect(session.Answers).ToHaveCountAsync(2);
        await session.Page.ReloadAsync();
        await Expect(session.Answers).ToHaveCountAsync(1);
    }

    private static Task AttachAsync(PageSession session, params (string Name, string Type, byte[] Content)[] files) => session.Page.Locator("#files")
        .SetInputFilesAsync(files.Select(file => new FilePayload { Name = file.Name, MimeType = file.Type, Buffer = file.Content }));
}
