using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Grammar;

/// <summary>Compiled grammars of one tokenizer, the last used of them kept. May be used by many threads at once.</summary>
internal sealed class GrammarCache(Tokenizer tokenizer)
{
    private const int MostKept = 64;
    private readonly Lazy<GrammarVocabulary> _vocabulary = new(() => new GrammarVocabulary(tokenizer));
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, GrammarAutomaton Automaton)>> _kept = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, GrammarAutomaton Automaton)> _lastUsedFirst = new();

    /// <summary>The grammar of a key, compiled when it is not kept.</summary>
    /// <param name="key">All that the grammar depends on.</param>
    /// <param name="compile">Compiles it; what it throws goes to the caller and is not kept.</param>
    public GrammarAutomaton Get(string key, Func<GrammarVocabulary, GrammarAutomaton> compile)
    {
        lock (_gate)
        {
            if (_kept.TryGetValue(key, out var node))
            {
                _lastUsedFirst.Remove(node);
                _lastUsedFirst.AddFirst(node);
                return node.Value.Automaton;
            }
        }
        // Outside the lock: compiling one grammar keeps no other request waiting.
        var automaton = compile(_vocabulary.Value);
        lock (_gate)
        {
            if (_kept.TryGetValue(key, out var first)) return first.Value.Automaton;
            _kept.Add(key, _lastUsedFirst.AddFirst((key, automaton)));
            if (_kept.Count <= MostKept) return automaton;
            _kept.Remove(_lastUsedFirst.Last!.Value.Key);
            _lastUsedFirst.RemoveLast();
            return automaton;
        }
    }
}
