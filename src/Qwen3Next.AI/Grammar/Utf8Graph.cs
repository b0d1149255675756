using System.Text;

namespace Qwen3Next.AI.Grammar;

/// <summary>Ranges of characters as ranges of bytes.</summary>
internal static class Utf8Graph
{
    /// <summary>Adds the UTF-8 of all characters of a range, which must not contain surrogates.</summary>
    public static void Add(GrammarGraph graph, int from, int first, int last, int to)
    {
        Span<byte> low = stackalloc byte[4], high = stackalloc byte[4];
        foreach (var (start, end) in ((int, int)[])[(0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)])
        {
            var (begin, stop) = (Math.Max(first, start), Math.Min(last, end));
            if (begin > stop) continue;
            var length = new Rune(begin).EncodeToUtf8(low);
            new Rune(stop).EncodeToUtf8(high);
            Add(graph, from, low[..length], high[..length], to);
        }
    }

    // Sequences of one length between two of them. Where the first bytes differ, those between the two may be followed by anything.
    private static void Add(GrammarGraph graph, int from, ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, int to)
    {
        if (low.Length == 1)
        {
            graph.Bytes(from, low[0], high[0], to);
            return;
        }
        if (low[0] == high[0])
        {
            Add(graph, graph.Bytes(from, low[0], low[0]), low[1..], high[1..], to);
            return;
        }
        Span<byte> least = [0x80, 0x80, 0x80], most = [0xBF, 0xBF, 0xBF];
        var rest = low.Length - 1;
        var (first, last) = ((int)low[0], (int)high[0]);
        if (!low[1..].SequenceEqual(least[..rest])) Add(graph, graph.Bytes(from, first, first++), low[1..], most[..rest], to);
        if (!high[1..].SequenceEqual(most[..rest])) Add(graph, graph.Bytes(from, last, last--), least[..rest], high[1..], to);
        if (first <= last) Add(graph, graph.Bytes(from, first, last), least[..rest], most[..rest], to);
    }
}
