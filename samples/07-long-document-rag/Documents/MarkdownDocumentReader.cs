using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Extensions.Yaml;
using Markdig.Renderers;
using Markdig.Syntax;

namespace LongDocumentRag.Documents;

/// <summary>A part for each paragraph, list item, block of code and row of a table, under the headings above it.</summary>
internal sealed class MarkdownDocumentReader : IDocumentReader
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().UseYamlFrontMatter().Build();

    public IReadOnlyList<string> Extensions { get; } = [".md", ".markdown"];

    public bool Streams => false;

    public IEnumerable<DocumentPart> Read(string path)
    {
        var headings = new HeadingPath();
        foreach (var block in Blocks(Markdown.Parse(File.ReadAllText(path), s_pipeline)))
        {
            var text = PlainText(block);
            if (block is HeadingBlock heading) headings.Enter(heading.Level, text);
            else yield return new DocumentPart(headings.ToString(), text);
        }
    }

    // Nesting ends at the parser's own limit.
    private static IEnumerable<Block> Blocks(ContainerBlock container)
    {
        foreach (var block in container)
        {
            if (block is YamlFrontMatterBlock or LinkReferenceDefinitionGroup) continue;
            if (block is not ContainerBlock inner || block is TableRow) yield return block;
            else foreach (var below in Blocks(inner)) yield return below;
        }
    }

    private static string PlainText(Block block)
    {
        if (block is TableRow row) return string.Join(" | ", row.OfType<TableCell>().SelectMany(Blocks).Select(PlainText));
        using var writer = new StringWriter();
        var renderer = new HtmlRenderer(writer) { EnableHtmlForBlock = false, EnableHtmlForInline = false, EnableHtmlEscape = false };
        s_pipeline.Setup(renderer);
        renderer.Render(block);
        return writer.ToString().Trim();
    }
}
