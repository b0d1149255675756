using System.Text;

namespace Qwen3Next.AI.Chat;

/// <summary>
/// Ends a text where the first of some sequences starts, however the text is cut into pieces. Time is linear in the text.
/// For one output and one thread.
/// </summary>
internal sealed class StopSequenceMatcher
{
    private readonly List<Node> _nodes = [new()];
    private readonly StringBuilder _held = new();
    private int _state;
    private int _read;
    private int _shown;
    private int _match = int.MaxValue;

    /// <summary>Creates a matcher; empty sequences never match.</summary>
    public StopSequenceMatcher(IReadOnlyList<string> sequences)
    {
        foreach (var sequence in sequences) Add(sequence);
        LinkSuffixes();
    }

    /// <summary>Whether a sequence was found; all text up to it has been shown then, and nothing follows.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Takes the next piece and gives back what may be shown.</summary>
    public string Append(string text)
    {
        foreach (var c in text)
        {
            if (Stopped) break;
            _held.Append(c);
            _read++;
            _state = Next(_state, c);
            var node = _nodes[_state];
            if (node.LongestMatch > 0) _match = Math.Min(_match, _read - node.LongestMatch);

            // A sequence under way that began before the match would win if it became complete.
            Stopped = _match <= _read - node.Depth;
        }
        return Show(Math.Min(_match, _read - _nodes[_state].Depth));
    }

    /// <summary>Ends the text and gives back what was held.</summary>
    public string Flush()
    {
        Stopped |= _match < int.MaxValue;
        return Show(Math.Min(_match, _read));
    }

    private string Show(int end)
    {
        var text = _held.ToString(0, end - _shown);
        _held.Remove(0, text.Length);
        _shown = end;
        return text;
    }

    private void Add(string sequence)
    {
        var at = 0;
        foreach (var c in sequence)
        {
            if (!_nodes[at].Children.TryGetValue(c, out var child))
            {
                child = _nodes.Count;
                _nodes[at].Children[c] = child;
                _nodes.Add(new Node { Depth = _nodes[at].Depth + 1 });
            }
            at = child;
        }
        _nodes[at].LongestMatch = sequence.Length;
    }

    // Breadth first, so that shorter suffixes are linked before they are needed.
    private void LinkSuffixes()
    {
        var queue = new Queue<int>(_nodes[0].Children.Values);
        while (queue.TryDequeue(out var at))
        {
            foreach (var (c, child) in _nodes[at].Children)
            {
                _nodes[child].Suffix = Next(_nodes[at].Suffix, c);
                queue.Enqueue(child);
            }
            if (_nodes[at].LongestMatch == 0) _nodes[at].LongestMatch = _nodes[_nodes[at].Suffix].LongestMatch;
        }
    }

    private int Next(int state, char c)
    {
        while (true)
        {
            if (_nodes[state].Children.TryGetValue(c, out var child)) return child;
            if (state == 0) return 0;
            state = _nodes[state].Suffix;
        }
    }

    /// <summary>What of a sequence has been read (Aho and Corasick's automaton).</summary>
    private sealed class Node
    {
        public Dictionary<char, int> Children { get; } = [];

        public int Depth { get; init; }

        /// <summary>The node of the longest proper suffix that also begins a sequence.</summary>
        public int Suffix { get; set; }

        /// <summary>Length of the longest sequence that ends here; 0 for none.</summary>
        public int LongestMatch { get; set; }
    }
}
