using System.Text;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// A grammar while it is built: positions, and edges between them that consume a byte, an added token, what a rule matches, or nothing. Methods
/// that take <c>from</c> and give a position extend the graph by one piece and return where it ends.
/// </summary>
internal sealed class GrammarGraph
{
    private const int Unreachable = int.MaxValue;
    private const int MostPositions = 1_000_000;
    private readonly List<List<GrammarEdge>> _edges = [];
    private readonly List<GrammarRule> _rules = [];
    private int[] _depths = [];

    public IReadOnlyList<GrammarRule> Rules => _rules;

    /// <exception cref="NotSupportedException">The grammar has grown beyond what a request may ask for.</exception>
    public int Position()
    {
        if (_edges.Count == MostPositions) throw new NotSupportedException($"The output format needs a grammar of more than {MostPositions} positions. Make its schemas smaller.");
        _edges.Add([]);
        return _edges.Count - 1;
    }

    public IReadOnlyList<GrammarEdge> EdgesFrom(int position) => _edges[position];

    /// <summary>A rule without a body; connect <see cref="GrammarRule.Start"/> and <see cref="GrammarRule.End"/>.</summary>
    public GrammarRule Rule(int least = 1, int most = 1)
    {
        var rule = new GrammarRule(Position(), Position(), least, most);
        _rules.Add(rule);
        return rule;
    }

    public void Empty(int from, int to) => _edges[from].Add(new GrammarEdge(EdgeKind.Empty, 0, 0, null, to));

    public void Bytes(int from, int low, int high, int to) => _edges[from].Add(new GrammarEdge(EdgeKind.Byte, low, high, null, to));

    public int Bytes(int from, int low, int high)
    {
        var to = Position();
        Bytes(from, low, high, to);
        return to;
    }

    public int Token(int from, int token)
    {
        var to = Position();
        _edges[from].Add(new GrammarEdge(EdgeKind.Token, token, token, null, to));
        return to;
    }

    public void Call(int from, GrammarRule rule, int to) => _edges[from].Add(new GrammarEdge(EdgeKind.Call, 0, 0, rule, to));

    public int Call(int from, GrammarRule rule)
    {
        var to = Position();
        Call(from, rule, to);
        return to;
    }

    public int Literal(int from, string text)
    {
        foreach (var value in Encoding.UTF8.GetBytes(text)) from = Bytes(from, value, value);
        return from;
    }

    public int Optional(int from, string text)
    {
        var to = Literal(from, text);
        Empty(from, to);
        return to;
    }

    /// <summary>How many rules deep the shortest way from a position to the end of its rule calls.</summary>
    public int Depth(int position) => _depths[position];

    /// <summary>
    /// Removes edges from which no rule's end can be reached, so that a text that has begun can always be completed.
    /// </summary>
    /// <returns>False where the root itself matches no text.</returns>
    public bool Trim(GrammarRule root)
    {
        _depths = new int[_edges.Count];
        Array.Fill(_depths, Unreachable);
        foreach (var rule in _rules) _depths[rule.End] = 0;
        while (Relax()) { }
        foreach (var edges in _edges) edges.RemoveAll(edge => DepthThrough(edge) == Unreachable);
        return _depths[root.Start] != Unreachable;
    }

    // Pieces are built front to back, so one pass from the back reaches nearly everything.
    private bool Relax()
    {
        var changed = false;
        for (var position = _edges.Count - 1; position >= 0; position--)
        {
            foreach (var edge in _edges[position])
            {
                var depth = DepthThrough(edge);
                if (depth >= _depths[position]) continue;
                _depths[position] = depth;
                changed = true;
            }
        }
        return changed;
    }

    private int DepthThrough(GrammarEdge edge)
    {
        var rest = _depths[edge.Target];
        if (edge.Rule is null) return rest;
        var called = edge.Rule.Least <= edge.Rule.Most ? _depths[edge.Rule.Start] : Unreachable;
        return called == Unreachable ? Unreachable : Math.Max(rest, called + 1);
    }
}
