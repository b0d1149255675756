using System.Text;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Text in which certain words do not occur, as positions of a graph: one for every beginning of a word that the text may just have written. Words
/// are ASCII, so that only single bytes matter.
/// </summary>
internal sealed class WordFilter
{
    private readonly List<string> _prefixes = [""];
    private readonly string[] _words;
    private readonly int[] _positions;

    /// <param name="graph">What is extended.</param>
    /// <param name="words">What must not occur.</param>
    public WordFilter(GrammarGraph graph, params ReadOnlySpan<string> words)
    {
        _words = words.ToArray();
        foreach (var word in _words) _prefixes.AddRange(Enumerable.Range(1, word.Length - 1).Select(length => word[..length]));
        _prefixes = [.. _prefixes.Distinct()];
        _positions = [.. _prefixes.Select(_ => graph.Position())];
    }

    /// <summary>Where the text begins, and where it stands behind a character that is in no word.</summary>
    public int Begin => _positions[0];

    /// <summary>All places where the text may stand.</summary>
    public IReadOnlyList<int> Positions => _positions;

    /// <summary>Free text of any bytes, from one position to another.</summary>
    public static void AddText(GrammarGraph graph, int from, int to, params ReadOnlySpan<string> words)
    {
        var filter = new WordFilter(graph, words);
        filter.AddBytes(graph, 0, 255);
        graph.Empty(from, filter.Begin);
        foreach (var position in filter.Positions) graph.Empty(position, to);
    }

    /// <summary>Lets any byte of a range follow anywhere, unless it completes a word.</summary>
    public void AddBytes(GrammarGraph graph, int first, int last)
    {
        for (var state = 0; state < _prefixes.Count; state++)
        {
            for (var low = first; low <= last;)
            {
                var target = Next(_prefixes[state], low);
                var high = low;
                while (high < last && Next(_prefixes[state], high + 1) == target) high++;
                if (target >= 0) graph.Bytes(_positions[state], low, high, _positions[target]);
                low = high + 1;
            }
        }
    }

    /// <summary>The longest beginning of a word that the text ends with now; -1 where a word is complete.</summary>
    private int Next(string written, int value)
    {
        var text = written + (char)value;
        for (var start = 0; start < text.Length; start++)
        {
            var end = text[start..];
            if (Array.IndexOf(_words, end) >= 0) return -1;
            if (_prefixes.IndexOf(end) is var state and > 0) return state;
        }
        return 0;
    }
}
