namespace Qwen3Next.AI.Grammar;

/// <summary>A set of texts while it is built: states, and edges that consume a character of a range or nothing.</summary>
internal sealed class CharacterNfa
{
    private const int MostStates = 10_000;
    private const int MostMembers = 1_000_000;
    private readonly List<List<(int First, int Last, int Target)>> _edges = [];
    private readonly List<List<int>> _empty = [];

    public int State()
    {
        if (_edges.Count == MostStates) throw new NotSupportedException($"it needs more than {MostStates} states");
        _edges.Add([]);
        _empty.Add([]);
        return _edges.Count - 1;
    }

    public void Edge(int from, int first, int last, int to) => _edges[from].Add((first, last, to));

    public void Empty(int from, int to) => _empty[from].Add(to);

    /// <summary>The automaton that is in one state at a time.</summary>
    /// <exception cref="NotSupportedException">It has too many states.</exception>
    public CharacterDfa Determinize(int start, int end)
    {
        var (ids, sets, members) = (new Dictionary<string, int>(StringComparer.Ordinal), new List<SortedSet<int>>(), 0);
        var edges = new List<CharacterEdge[]>();
        Find(new SortedSet<int> { start });
        for (var i = 0; i < sets.Count; i++)
        {
            var outgoing = sets[i].SelectMany(state => _edges[state]).ToList();
            edges.Add([.. CharacterEdge.Cut(outgoing).Select(piece => new CharacterEdge(piece.First, piece.Last, Find(new SortedSet<int>(piece.Targets))))]);
        }
        return new CharacterDfa([.. edges], [.. sets.Select(set => set.Contains(end))]);

        int Find(SortedSet<int> states)
        {
            Close(states);
            var key = string.Join(',', states);
            if (ids.TryGetValue(key, out var id)) return id;
            CharacterDfa.CheckSize(sets.Count);
            if ((members += states.Count) > MostMembers) throw new NotSupportedException($"its automaton needs more than {MostMembers} entries");
            sets.Add(states);
            return ids[key] = sets.Count - 1;
        }
    }

    private void Close(SortedSet<int> states)
    {
        var open = new Stack<int>(states);
        while (open.TryPop(out var state))
        {
            foreach (var target in _empty[state])
                if (states.Add(target)) open.Push(target);
        }
    }
}
