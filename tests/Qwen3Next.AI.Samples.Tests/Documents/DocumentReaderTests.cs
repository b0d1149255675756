using LongDocumentRag.Documents;
using Qwen3Next.AI.Tests;
using Xunit;

namespace LongDocumentRag.Tests.Documents;

public sealed class DocumentReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Read(string name, string content)
    {
        File.WriteAllText(_folder.File(name), content);
        return [.. new DocumentReaders(1).Read(_folder.File(name)).Select(part => $"{part.Place}: {part.Text}")];
    }

    [Fact]
    public void Read_Markdown_HasHeadingsAndPlainText() => Assert.Equal(
        [
            ": Before all.", "Guide: A *star* and a link.".Replace("*", ""), "Guide > Install: First.", "Guide > Install: Second, with code.", "Guide > Install: name | value",
            "Guide > Install: depth | 3", "Guide > Use: run it", "Other: End.",
        ],
        Read("a.md", """
            ---
            title: left out
            ---
            Before all.

            # Guide
            A *star* and [a link](http://example.com).

            ## Install
            - First.
            - Second, with `code`.

            | name | value |
            |---|---|
            | depth | 3 |

            ### *Deep*

            ## Use
                run it

            # Other
            > End.
            """));

    [Fact]
    public void Read_Html_HasHeadingsAndVisibleText() => Assert.Equal(
        ["Guide: A & B in bold.", "Guide > Install: First.", "Guide > Install: Second.", "Guide > Install: depth", "Guide > Install: 3", "Other: End."],
        Read("a.HTML", """
            <html><head><title>left out</title><style>p { }</style></head><body><nav>left out</nav>
            <h1>Guide</h1><p>A &amp; B in <b>bold</b>.</p><script>left.out()</script>
            <h2>Install</h2><ul><li>First.<li>Second.</ul><table><tr><td>depth<td>3</table>
            <h1>Other</h1>End.
            """));

    private const string Div = "<div>";

    [Fact]
    public void Read_HtmlWithoutEnds_IsRead() => Assert.Equal([": deep"], Read("deep.htm", string.Concat(Enumerable.Repeat(Div, 3000)) + "deep"));

    [Fact]
    public void Read_HtmlTooDeepToParse_IsRefusedInTime()
    {
        File.WriteAllText(_folder.File("deep.htm"), string.Concat(Enumerable.Repeat(Div, 200_000)));
        var reader = new HtmlDocumentReader(patience: TimeSpan.FromMilliseconds(100));
        Assert.Contains("0.1 s", Assert.Throws<DocumentException>(() => reader.Read(_folder.File("deep.htm")).Count()).Message);
    }

    [Fact]
    public void Read_Text_HasParagraphsByLine() => Assert.Equal(["line 1: One.\nTwo.\n", "line 5: Three.\n"], Read("a.txt", "One.\nTwo.\n\n \nThree."));

    [Fact]
    public void Read_WhatIsNotText_IsRefused() => Assert.Contains("zero byte", Assert.Throws<DocumentException>(() => Read("a.txt", "ab\0c")).Message);

    [Fact]
    public void Read_TooLarge_NamesTheSetting()
    {
        var message = Assert.Throws<DocumentException>(() => Read("a.txt", new string('a', 1 << 20))).Message;
        Assert.Contains("1 MB are too large", message);
        Assert.Contains("Rag:MaxFileMegabytes", message);
    }

    [Fact]
    public void Read_UnknownEnding_NamesThoseThatAreKnown() => Assert.Contains(".pdf .md", Assert.Throws<DocumentException>(() => Read("a.docx", "")).Message);

    [Fact]
    public void Read_MarkdownNestedTooDeep_IsRefused() => Assert.Throws<DocumentException>(() => Read("deep.md", new string('>', 100_000) + "deep"));
}
