namespace LongDocumentRag.Documents;

/// <summary>The headings that a text stands under, as "Guide > Install > Linux".</summary>
internal sealed class HeadingPath
{
    private readonly List<(int Level, string Text)> _open = [];

    /// <summary>Goes under a heading, out of all that are not above it.</summary>
    public void Enter(int level, string text)
    {
        _open.RemoveAll(heading => heading.Level >= level);
        if (text.Length > 0) _open.Add((level, text));
    }

    public override string ToString() => string.Join(" > ", _open.Select(heading => heading.Text));
}
