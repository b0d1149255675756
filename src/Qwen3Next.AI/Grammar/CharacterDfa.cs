using System.Text;

namespace Qwen3Next.AI.Grammar;

/// <summary>A way from one state to another by any character of a range.</summary>
internal readonly record struct CharacterEdge(int First, int Last, int Target)
{
    public const int LastCharacter = 0x10FFFF;

    /// <summary>Cuts overlapping ranges into pieces that do not overlap, each with all targets of its characters.</summary>
    public static IEnumerable<(int First, int Last, List<int> Targets)> Cut(List<(int First, int Last, int Target)> ranges)
    {
        int[] starts = [.. ranges.SelectMany(range => (int[])[range.First, range.Last + 1]).Distinct().Order()];
        for (var i = 0; i + 1 < starts.Length; i++)
        {
            var first = starts[i];
            var targets = ranges.FindAll(range => range.First <= first && range.Last >= first).ConvertAll(range => range.Target);
            if (targets.Count > 0) yield return (first, starts[i + 1] - 1, targets);
        }
    }
}

/// <summary>A set of texts as an automaton over characters; starts in state 0. Sets can be cut with each other and turned around.</summary>
internal sealed class CharacterDfa(CharacterEdge[][] edges, bool[] accepting)
{
    private const int MostStates = 5_000;

    private CharacterEdge[][] Edges { get; } = edges;

    private bool[] Accepting { get; } = accepting;

    /// <exception cref="NotSupportedException">There is no room for another state.</exception>
    public static void CheckSize(int states)
    {
        if (states >= MostStates) throw new NotSupportedException($"its automaton needs more than {MostStates} states");
    }

    /// <summary>Texts with so many characters.</summary>
    public static CharacterDfa Length(int least, int most)
    {
        var last = most == int.MaxValue ? least : most;
        CheckSize(last);
        var edges = new CharacterEdge[last + 1][];
        for (var i = 0; i <= last; i++) edges[i] = i < last ? [new(0, CharacterEdge.LastCharacter, i + 1)] : [];
        if (most == int.MaxValue) edges[last] = [new(0, CharacterEdge.LastCharacter, last)];
        return new CharacterDfa(edges, [.. Enumerable.Range(0, last + 1).Select(i => i >= least)]);
    }

    /// <summary>These texts and no others.</summary>
    public static CharacterDfa Of(IEnumerable<string> texts)
    {
        var nfa = new CharacterNfa();
        var (start, end) = (nfa.State(), nfa.State());
        foreach (var text in texts)
        {
            var at = start;
            foreach (var rune in text.EnumerateRunes())
            {
                var next = nfa.State();
                nfa.Edge(at, rune.Value, rune.Value, next);
                at = next;
            }
            nfa.Empty(at, end);
        }
        return nfa.Determinize(start, end);
    }

    /// <summary>All other texts.</summary>
    public CharacterDfa Complement()
    {
        var sink = Edges.Length;
        var edges = Edges.Append([]).Select(outgoing => Complete(outgoing, sink)).ToArray();
        return new CharacterDfa(edges, [.. Accepting.Append(false).Select(accepts => !accepts)]);
    }

    /// <summary>The texts of both.</summary>
    public CharacterDfa Intersect(CharacterDfa other)
    {
        var (ids, pairs) = (new Dictionary<(int, int), int>(), new List<(int Mine, int Theirs)>());
        var edges = new List<CharacterEdge[]>();
        Find((0, 0));
        for (var i = 0; i < pairs.Count; i++)
        {
            var (mine, theirs) = pairs[i];
            edges.Add([.. from a in Edges[mine] from b in other.Edges[theirs]
                          let first = Math.Max(a.First, b.First) let last = Math.Min(a.Last, b.Last)
                          where first <= last select new CharacterEdge(first, last, Find((a.Target, b.Target)))]);
        }
        return new CharacterDfa([.. edges], [.. pairs.Select(pair => Accepting[pair.Mine] && other.Accepting[pair.Theirs])]);

        int Find((int, int) pair)
        {
            if (ids.TryGetValue(pair, out var id)) return id;
            CheckSize(pairs.Count);
            pairs.Add(pair);
            return ids[pair] = pairs.Count - 1;
        }
    }

    public bool Accepts(string text)
    {
        var state = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var next = Array.FindIndex(Edges[state], edge => edge.First <= rune.Value && edge.Last >= rune.Value);
            if (next < 0) return false;
            state = Edges[state][next].Target;
        }
        return Accepting[state];
    }

    /// <summary>Adds the texts as UTF-8, each in one spelling.</summary>
    /// <param name="graph">What is extended.</param>
    /// <param name="from">Where the texts begin.</param>
    /// <param name="to">Where they end.</param>
    /// <param name="json">As the content of a JSON string: what must be escaped is, and nothing else.</param>
    public void AddTo(GrammarGraph graph, int from, int to, bool json)
    {
        var positions = Array.ConvertAll(Edges, _ => graph.Position());
        graph.Empty(from, positions[0]);
        for (var state = 0; state < Edges.Length; state++)
        {
            if (Accepting[state]) graph.Empty(positions[state], to);
            foreach (var edge in Edges[state]) AddRange(graph, positions[state], edge.First, edge.Last, positions[edge.Target], json);
        }
    }

    private static void AddRange(GrammarGraph graph, int from, int first, int last, int to, bool json)
    {
        while (json && first <= last && first <= '\\')
        {
            var end = first;
            if (JsonLiteral.Escape(first) is { } escape) graph.Empty(graph.Literal(from, escape), to);
            else graph.Bytes(from, first, end = Math.Min(last, first < '"' ? '!' : '['), to);
            first = end + 1;
        }
        if (first > last) return;
        // Surrogates are no characters.
        if (first <= 0xD7FF) Utf8Graph.Add(graph, from, first, Math.Min(last, 0xD7FF), to);
        if (last >= 0xE000) Utf8Graph.Add(graph, from, Math.Max(first, 0xE000), last, to);
    }

    private static CharacterEdge[] Complete(CharacterEdge[] outgoing, int sink)
    {
        var (complete, next) = (new List<CharacterEdge>(), 0);
        foreach (var edge in outgoing.OrderBy(edge => edge.First))
        {
            if (edge.First > next) complete.Add(new CharacterEdge(next, edge.First - 1, sink));
            complete.Add(edge);
            next = edge.Last + 1;
        }
        if (next <= CharacterEdge.LastCharacter) complete.Add(new CharacterEdge(next, CharacterEdge.LastCharacter, sink));
        return [.. complete];
    }
}
