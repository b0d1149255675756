using System.Globalization;
using System.Text;

namespace Qwen3Next.AI.Grammar;

/// <summary>Values as the one JSON text in which they are written: characters as they are, unless they must be escaped.</summary>
internal static class JsonLiteral
{
    private const string Escaped = "\"\\\b\f\n\r\t";
    private const string Names = "\"\\bfnrt";

    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text) quoted.Append(Escape(c) ?? c.ToString());
        return quoted.Append('"').ToString();
    }

    /// <summary>How a character is escaped; null where it stands for itself.</summary>
    public static string? Escape(int c)
    {
        if (c >= ' ' && c != '"' && c != '\\') return null;
        var name = Escaped.IndexOf((char)c, StringComparison.Ordinal);
        return name >= 0 ? $"\\{Names[name]}" : string.Create(CultureInfo.InvariantCulture, $"\\u{c:x4}");
    }
}
