using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace LongDocumentRag.Documents;

/// <summary>A part for each block of text, under the headings above it. Scripts, styles, forms and navigation are left out.</summary>
/// <param name="patience">For parsing, whose time grows with the square of the depth: a page that nests without end would take hours.</param>
internal sealed class HtmlDocumentReader(TimeSpan patience) : IDocumentReader
{
    private static readonly HashSet<string> s_silent =
        new(["head", "script", "style", "noscript", "template", "nav", "form", "svg", "button", "select", "iframe"], StringComparer.Ordinal);

    private static readonly HashSet<string> s_inline = new(
        ["a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var"],
        StringComparer.Ordinal);

    public IReadOnlyList<string> Extensions { get; } = [".html", ".htm"];

    public bool Streams => false;

    public IEnumerable<DocumentPart> Read(string path)
    {
        using var document = Parse(path);
        var headings = new HeadingPath();
        var text = new StringBuilder();
        foreach (var (node, leaving) in Walk(document.DocumentElement))
        {
            if (node is IText words) text.Append(words.Data);
            if (node is not IElement { LocalName: var name } || s_inline.Contains(name)) continue;
            var block = text.ToString().Trim();
            text.Clear();
            if (leaving && name is ['h', >= '1' and <= '6']) headings.Enter(name[1] - '0', block);
            else if (block.Length > 0) yield return new DocumentPart(headings.ToString(), block);
        }
    }

    private IDocument Parse(string path)
    {
        using var file = File.OpenRead(path);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            return new HtmlParser().ParseDocumentAsync(file, limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new DocumentException($"was not parsed within {patience.TotalSeconds} s. Its elements may nest too deep.");
        }
    }

    /// <summary>Nodes in order, elements twice: when their content begins and when it has ended. A loop, as hostile pages nest without limit.</summary>
    private static IEnumerable<(INode Node, bool Leaving)> Walk(INode root)
    {
        var open = new Stack<(INode Node, bool Leaving)>([(root, false)]);
        while (open.TryPop(out var step))
        {
            yield return step;
            if (step.Leaving || step.Node is not IElement element || s_silent.Contains(element.LocalName)) continue;
            open.Push((element, true));
            for (var child = element.LastChild; child is not null; child = child.PreviousSibling) open.Push((child, false));
        }
    }
}
