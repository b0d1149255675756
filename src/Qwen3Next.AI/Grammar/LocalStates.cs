using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Grammar;

/// <summary>All states of a grammar that were met so far; equal sets of positions are one object. May be used by many threads at once.</summary>
internal sealed class LocalStates
{
    private readonly GrammarGraph _graph;
    private readonly Dictionary<int[], LocalState> _states = new(new SequenceComparer());
    private readonly Lock _gate = new();

    /// <param name="graph">Trimmed; not changed any more.</param>
    public LocalStates(GrammarGraph graph)
    {
        _graph = graph;
        foreach (var rule in graph.Rules) rule.Entry = Intern([rule.Start], rule);
    }

    /// <summary>Where a byte leads that was not asked for before.</summary>
    public LocalState Resolve(LocalState state, byte value)
    {
        lock (_gate)
        {
            var targets = new List<int>();
            foreach (var position in state.Positions)
            {
                foreach (var edge in _graph.EdgesFrom(position))
                {
                    if (edge.Kind == EdgeKind.Byte && value >= edge.Low && value <= edge.High) targets.Add(edge.Target);
                }
            }
            return state.Next[value] = Intern(targets, state.Rule);
        }
    }

    private LocalState Intern(List<int> positions, GrammarRule rule)
    {
        if (positions.Count == 0) return LocalState.Dead;
        var closed = Close(positions);
        if (_states.TryGetValue(closed, out var known)) return known;

        var edges = closed.SelectMany(_graph.EdgesFrom).ToList();
        var state = new LocalState(closed, rule)
        {
            AtEnd = Array.BinarySearch(closed, rule.End) >= 0,
            TakesInput = edges.Exists(edge => edge.Kind is EdgeKind.Byte or EdgeKind.Token),
            Depth = closed.Min(_graph.Depth),
        };
        // The table has it before its edges are followed, since they may lead back to it.
        _states.Add(closed, state);
        // Two calls of one rule go on at either place, so that they are followed as one.
        state.Calls = [.. edges.Where(edge => edge.Kind == EdgeKind.Call).GroupBy(edge => edge.Rule!)
            .Select(group => new LocalCall(group.Key, Intern([.. group.Select(edge => edge.Target)], rule)))];
        state.Tokens = [.. edges.Where(edge => edge.Kind == EdgeKind.Token).GroupBy(edge => edge.Low)
            .Select(group => (group.Key, Intern([.. group.Select(edge => edge.Target)], rule)))];
        return state;
    }

    private int[] Close(List<int> positions)
    {
        var found = new SortedSet<int>(positions);
        var open = new Stack<int>(found);
        while (open.TryPop(out var position))
        {
            foreach (var edge in _graph.EdgesFrom(position))
            {
                if (edge.Kind == EdgeKind.Empty && found.Add(edge.Target)) open.Push(edge.Target);
            }
        }
        return [.. found];
    }

    private sealed class SequenceComparer : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] positions)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(positions.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
