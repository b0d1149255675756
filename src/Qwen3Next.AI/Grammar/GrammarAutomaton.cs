using System.Collections.Concurrent;

namespace Qwen3Next.AI.Grammar;

/// <summary>
/// A grammar compiled for a vocabulary: says which tokens may follow. Its states and their token sets are found when they are first met and kept,
/// so a grammar that is used again answers faster. May be used by many threads at once.
/// </summary>
internal sealed class GrammarAutomaton
{
    // Stands for every count from which neither limit of a repetition can be reached within one token.
    private const int FarFromLimits = -1;
    private const int BelowLeast = -2;
    private const int Shallow = 0;

    private readonly ConcurrentDictionary<(LocalState State, int Count, int Depth), StateMask> _masks = new();
    private readonly GrammarRule _root;
    private readonly LocalStates _states;

    /// <param name="graph">Must not be changed any more.</param>
    /// <param name="root">The whole text; no rule may call it.</param>
    /// <param name="vocabulary">The tokens to choose from.</param>
    /// <param name="limited">The rule that a token budget cuts short; see <see cref="GrammarState"/>.</param>
    /// <exception cref="NotSupportedException">The grammar matches no text.</exception>
    public GrammarAutomaton(GrammarGraph graph, GrammarRule root, GrammarVocabulary vocabulary, GrammarRule? limited = null)
    {
        (Vocabulary, Limited, _root) = (vocabulary, limited, root);
        if (!graph.Trim(root)) throw new NotSupportedException("No text of finite length can satisfy the output format. Look for a schema that requires itself, or for constraints that exclude each other.");
        if (graph.Depth(root.Start) > PushdownParse.MaxDepth)
            throw new NotSupportedException($"The output format nests {graph.Depth(root.Start)} levels deep; {PushdownParse.MaxDepth} are the limit. Make the schema flatter.");
        _states = new LocalStates(graph);
    }

    public GrammarVocabulary Vocabulary { get; }

    public GrammarRule? Limited { get; }

    /// <summary>A parse at the start of a text.</summary>
    public PushdownParse Begin()
    {
        var parse = new PushdownParse(_states);
        parse.Begin(_root);
        return parse;
    }

    /// <summary>The tokens that may follow one reading.</summary>
    /// <param name="thread">The reading.</param>
    /// <param name="depth">How deep the calls around it nest.</param>
    public StateMask MaskOf(ParseThread thread, int depth)
    {
        var count = CountClass(thread);
        var mask = Mask(thread.State, count, Shallow);
        return depth + mask.Reach <= PushdownParse.MaxDepth ? mask : Mask(thread.State, count, depth);
    }

    private StateMask Mask(LocalState state, int count, int depth) => _masks.TryGetValue((state, count, depth), out var mask)
        ? mask
        : _masks.GetOrAdd((state, count, depth), StateMask.Create(Vocabulary, new PushdownParse(_states), state, CountOf(state.Rule, count), state.Rule == _root, depth));

    // Far from a repetition's limits all counts allow the same tokens, since one token cannot reach a limit.
    private int CountClass(ParseThread thread)
    {
        var (rule, longest) = (thread.State.Rule, Vocabulary.LongestToken);
        if (!rule.IsRepeated) return FarFromLimits;
        if (thread.Count >= rule.Least - 1 && rule.Most - thread.Count > longest) return FarFromLimits;
        return thread.Count + longest < rule.Least - 1 ? BelowLeast : thread.Count;
    }

    private static int CountOf(GrammarRule rule, int countClass) => countClass switch
    {
        FarFromLimits => rule.Least - 1,
        BelowLeast => 0,
        _ => countClass,
    };
}
