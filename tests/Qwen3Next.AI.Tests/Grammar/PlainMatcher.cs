using System.Collections.Immutable;
using Qwen3Next.AI.Grammar;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>
/// The meaning of a grammar, without any of the product's cleverness: follows every edge of the graph, one way after the other, with a stack of
/// its own. Slow.
/// </summary>
internal sealed class PlainMatcher(GrammarGraph graph, GrammarRule root)
{
    private sealed record Call(GrammarRule Rule, int Return, int Count);

    private readonly record struct Place(int Position, int Count, GrammarRule Rule, ImmutableStack<Call> Stack);

    /// <summary>Whether some text of the grammar begins with these bytes and tokens (256 and above).</summary>
    public bool Begins(ReadOnlySpan<int> symbols) => Reach(symbols.ToArray()).Count > 0;

    /// <summary>Whether it is a text of the grammar.</summary>
    public bool Matches(ReadOnlySpan<int> symbols) => Reach(symbols.ToArray()).Exists(place => Ends(place));

    private List<Place> Reach(int[] symbols)
    {
        var places = new List<Place> { new(root.Start, 0, root, []) };
        foreach (var symbol in symbols)
        {
            var next = new List<Place>();
            foreach (var place in places.SelectMany(place => Expand(place, [])).ToList())
            {
                foreach (var edge in graph.EdgesFrom(place.Position))
                {
                    var takes = symbol < 256 ? edge.Kind == EdgeKind.Byte && symbol >= edge.Low && symbol <= edge.High : edge.Kind == EdgeKind.Token && edge.Low == symbol - 256;
                    if (takes) next.Add(place with { Position = edge.Target });
                }
            }
            places = Distinct(next);
        }
        return places;
    }

    private bool Ends(Place place) => Expand(place, []).Any(reached => reached.Position == root.End && reached.Stack.IsEmpty && reached.Rule == root);

    /// <summary>All places reached without input.</summary>
    private IEnumerable<Place> Expand(Place place, List<string> seen)
    {
        if (seen.Contains(Key(place))) yield break;
        seen.Add(Key(place));
        yield return place;
        foreach (var edge in graph.EdgesFrom(place.Position))
        {
            if (edge.Kind == EdgeKind.Empty)
                foreach (var reached in Expand(place with { Position = edge.Target }, seen)) yield return reached;
            if (edge.Kind == EdgeKind.Call)
            {
                var call = new Place(edge.Rule!.Start, 0, edge.Rule, place.Stack.Push(new Call(place.Rule, edge.Target, place.Count)));
                foreach (var reached in Expand(call, seen)) yield return reached;
            }
        }
        if (place.Position != place.Rule.End) yield break;
        if (place.Count + 1 < place.Rule.Most)
            foreach (var reached in Expand(place with { Position = place.Rule.Start, Count = place.Count + 1 }, seen)) yield return reached;
        if (place.Count + 1 >= place.Rule.Least && !place.Stack.IsEmpty)
        {
            var stack = place.Stack.Pop(out var call);
            foreach (var reached in Expand(new Place(call.Return, call.Count, call.Rule, stack), seen)) yield return reached;
        }
    }

    private static List<Place> Distinct(List<Place> places) => [.. places.DistinctBy(Key)];

    private static string Key(Place place) =>
        $"{place.Position}/{place.Count}:{string.Join(',', place.Stack.Select(call => $"{call.Return}/{call.Count}"))}";
}
