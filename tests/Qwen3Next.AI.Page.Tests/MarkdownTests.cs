using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Qwen3Next.AI.Page.Tests;

/// <summary>What becomes of the text of answers.</summary>
public sealed class MarkdownTests(BrowserFixture fixture) : PageTest(fixture)
{
    private const string Whole = """
        # Title #
        A *paragraph* of **two
        lines**, with `code`, ~~old~~ words, [a link](https://example.org/a_(b) "title"), https://example.org/x_y. and snake_case.
        - one
        - two
          1. deep
             ```cs
             var x = 1;

             ```
          2. deeper

        > quoted
        > - list

        | name | value |
        |:--|--:|
        | a \| b | 1 |

        ***
        ~~~text
        <b>not bold</b>
        ~~~
        5. five

           more of five
        6. six
        """;

    private const string Hostile = """
        <script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"><svg onload="window.hacked = 1"><iframe src="javascript:window.hacked = 1"></iframe>
        [a](javascript:window.hacked=1) [b](JaVaScRiPt:window.hacked=1) [c](data:text/html,<script>window.hacked=1</script>) [d](vbscript:x) [e](//evil.example/x) [f](/v1/models)
        [g](&#106;avascript:window.hacked=1) [h](java&Tab;script:window.hacked=1) <javascript:window.hacked=1> ![i](https://evil.example/pixel.png) ![j](x" onerror="window.hacked=1)
        [k](https://example.org" onclick="window.hacked=1) [l](https://example.org/"onmouseover="window.hacked=1)
        <style>body { display: none }</style><link rel=stylesheet href=https://evil.example/x.css><base href=https://evil.example/><meta http-equiv=refresh content="0;url=https://evil.example">
        ```html" onclick="window.hacked=1
        </code></pre><script>window.hacked = 1</script>
        ```
        | <script>window.hacked=1</script> |
        |---|
        | <img src=x onerror=window.hacked=1> |
        """;

    [Fact]
    public async Task Answer_HostileMarkdown_IsTextAndSafeLinks()
    {
        var deep = new string('>', 5000) + string.Concat(Enumerable.Repeat("- ", 3000)) + new string('*', 3000) + "x" + new string('*', 3000) + new string('[', 3000);
        var session = await ScriptedAsync(Pieces(Hostile + "\n\n" + deep + "\n\nthe end", 50));
        await Expect(await session.AskAsync("Attack")).ToContainTextAsync("the end");
        var found = await session.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('.answer .markdown *')].flatMap(node => {
                let depth = 0;
                for (let at = node; at !== null; at = at.parentElement) depth++;
                const allowed = 'P A BR CODE PRE SPAN STRONG EM DEL UL OL LI BLOCKQUOTE HR H3 H4 H5 H6 FIGURE FIGCAPTION BUTTON DIV TABLE THEAD TBODY TR TH TD svg use'.split(' ');
                const attributes = [...node.attributes].filter(({ name, value }) => name.startsWith('on') || (name === 'href' && !/^(https?:|mailto:|icons\.svg#)/.test(value)));
                return [allowed.includes(node.tagName) ? null : node.tagName, depth > 80 ? 'too deep' : null, ...attributes.map(({ name, value }) => `${name}=${value}`)].filter(fault => fault !== null);
            })
            """);
        Assert.Empty(found);
        Assert.Null(await session.Page.EvaluateAsync<int?>("window.hacked ?? null"));
        var links = await session.Answers.GetByRole(AriaRole.Link).EvaluateAllAsync<string[]>("links => links.map(link => `${link.getAttribute('href')} ${link.rel} ${link.target}`)");
        string[] expected = ["https://evil.example/pixel.png", "https://example.org/", "https://example.org/%22onmouseover=%22window.hacked=1", "https://evil.example/x.css", "https://evil.example/", "https://evil.example/"];
        Assert.Equal(expected.Select(address => address + " noopener noreferrer _blank"), links);
    }

    [Fact]
    public async Task Answer_OfAllForms_HasTheirRoles()
    {
        var session = await ScriptedAsync(Pieces(Whole, 7));
        var answer = await session.AskAsync("All");
        await Expect(answer.GetByRole(AriaRole.Heading, new() { Name = "Title", Level = 3, Exact = true })).ToBeVisibleAsync();
        await Expect(answer.Locator("p").First).ToHaveTextAsync("A paragraph of two lines, with code, old words, a link, https://example.org/x_y. and snake_case.");
        Assert.Equal(["https://example.org/a_(b)", "https://example.org/x_y"], await answer.Locator("a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)"));
        await Expect(answer.Locator("li li figure pre")).ToHaveTextAsync("var x = 1;\n");
        await Expect(answer.Locator("blockquote li")).ToHaveTextAsync("list");
        await Expect(answer.GetByRole(AriaRole.Cell)).ToHaveTextAsync(["a | b", "1"]);
        await Expect(answer.Locator("pre").Last).ToHaveTextAsync("<b>not bold</b>");
        await Expect(answer.Locator("ol[start='5'] > li")).ToHaveTextAsync([new System.Text.RegularExpressions.Regex("five.*more of five", System.Text.RegularExpressions.RegexOptions.Singleline), new System.Text.RegularExpressions.Regex("six")]);
    }

    [Fact]
    public async Task View_TextInAnyPieces_EndsAsTheWholeTextDoes()
    {
        var session = await Fixture.IdleAsync();
        var count = AI.Tests.Nightly.Count(600);
        var differing = await session.Page.EvaluateAsync<string[]>("""
            async ([texts, count]) => {
                const { MarkdownView } = await import('/js/markdown.js');
                let seed = 1;
                const random = most => (seed = seed * 48271 % 2147483647) % most;
                const shown = (text, cuts) => {
                    const root = document.createElement('div');
                    const view = new MarkdownView(root);
                    for (const cut of [...cuts, text.length]) view.update(text.slice(0, cut));
                    return root.innerHTML;
                };
                const lines = texts.join('\n').split('\n');
                return Array.from({ length: count }, (_, i) => {
                    const text = i < texts.length ? texts[i] : Array.from({ length: 12 }, () => lines[random(lines.length)].slice(random(3))).join('\n');
                    const cuts = Array.from({ length: 30 }, () => random(text.length + 1)).sort((a, b) => a - b);
                    return shown(text, cuts) === shown(text, []) ? null : text;
                }).filter(text => text !== null);
            }
            """, new object[] { new[] { Whole, Hostile }, count });
        Assert.Empty(differing);
    }

    [Fact]
    public async Task View_HalfAFence_IsCodeAndSettledBlocksStay()
    {
        var session = await Fixture.IdleAsync();
        var seen = await session.Page.EvaluateAsync<string[]>("""
            async () => {
                const { MarkdownView } = await import('/js/markdown.js');
                const root = document.createElement('div');
                const view = new MarkdownView(root);
                view.update('first\n\n```js\nlet a');
                const [paragraph, half] = [root.firstElementChild, root.querySelector('pre').textContent];
                view.update('first\n\n```js\nlet a = 1;\n```\n\nlast');
                return [half, root.querySelector('pre').textContent, String(root.firstElementChild === paragraph), root.lastElementChild.textContent];
            }
            """);
        Assert.Equal(["let a", "let a = 1;", "true", "last"], seen);
    }

    /// <summary>A reader whose time grew with the square of the length would need minutes for these.</summary>
    [Fact]
    public async Task Parse_RepeatedSigns_TakesTimeInProportion()
    {
        var session = await Fixture.IdleAsync();
        var slow = await session.Page.EvaluateAsync<string[]>("""
            async ([before]) => {
                const { parseBlocks } = await import('/js/markdown-blocks.js');
                const { parseInline } = await import('/js/markdown-inline.js');
                const signs = ['[', '![', '](', '[a](b', '*', '*a ', 'a* ', '_', '~~', '`', '``a`', '<', 'http://)', '&', '\\', '> ', '- ', '1. ', '|', 'a|b\n-|-\n', '# ', ' ', '```\n', '- a\n', '  - a\n', '"](a ', '[a](<'];
                return signs.flatMap(sign => before.filter(before => {
                    const text = before + sign.repeat(100000 / sign.length) + 'x`*';
                    const begin = performance.now();
                    parseBlocks(text);
                    parseInline(text);
                    return performance.now() - begin > 2000;
                }).map(before => before.slice(0, 9) + sign));
            }
            """, new object[] { AI.Tests.Nightly.IsOn ? new[] { "", "```", "# ", string.Concat(Enumerable.Repeat("*a ", 10000)) } : [""] });
        Assert.Empty(slow);
    }

    private static IEnumerable<string> Pieces(string text, int length)
    {
        for (var at = 0; at < text.Length; at += length) yield return text[at..Math.Min(text.Length, at + length)];
    }
}
