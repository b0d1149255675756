using System.Text;

namespace LongDocumentRag.Documents;

/// <summary>A part for each paragraph of a plain text, named by its first line.</summary>
internal sealed class TextDocumentReader : IDocumentReader
{
    public IReadOnlyList<string> Extensions { get; } = [".txt", ".text"];

    public bool Streams => false;

    public IEnumerable<DocumentPart> Read(string path)
    {
        var paragraph = new StringBuilder();
        int line = 0, first = 1;
        foreach (var text in File.ReadLines(path).Append(""))
        {
            line++;
            if (text.Contains('\0')) throw new DocumentException($"line {line} holds a zero byte, so this is no text. Save it as UTF-8.");
            if (string.IsNullOrWhiteSpace(text))
            {
                if (paragraph.Length > 0) yield return new DocumentPart($"line {first}", paragraph.ToString());
                paragraph.Clear();
                first = line + 1;
            }
            else paragraph.AppendLine(text);
        }
    }
}
