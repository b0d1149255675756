namespace Qwen3Next.AI.Grammar;

/// <summary>
/// The tokens that may follow a state whatever calls are around it, and those for which the calls decide: their bytes leave the rule, and the
/// rest of them is for the callers to read. The first are a fixed set, found once; of the second, only the different rests are tried per token.
/// </summary>
internal sealed class StateMask
{
    // Below this a list is shorter than the bits of a real vocabulary, and faster to add.
    private const int MostListed = 1024;
    private readonly ulong[] _words = [];
    private readonly int[] _tokens = [];

    private StateMask(TokenMask accepted, TokenTrie rests, int reach)
    {
        (Rests, Reach) = (rests, reach);
        if (accepted.Count <= MostListed) _tokens = [.. accepted];
        else _words = accepted.Words.ToArray();
    }

    /// <summary>What is left of tokens behind the end of the rule.</summary>
    public TokenTrie Rests { get; }

    /// <summary>How deep calls may have to nest for these tokens, relative to the state; where fewer are left, the set is smaller.</summary>
    public int Reach { get; }

    public void AddTo(TokenMask mask)
    {
        if (_words.Length > 0) mask.Add(_words);
        mask.Add(_tokens);
    }

    /// <summary>Tries all tokens.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="parse">A parse of the grammar; begun anew.</param>
    /// <param name="state">Where the tokens begin.</param>
    /// <param name="count">Repetitions of its rule before.</param>
    /// <param name="isRoot">The state's rule is that of the whole text, which nothing calls.</param>
    /// <param name="depth">How deep the calls around the state nest.</param>
    public static StateMask Create(GrammarVocabulary vocabulary, PushdownParse parse, LocalState state, int count, bool isRoot, int depth)
    {
        var accepted = new TokenMask(vocabulary.Size);
        parse.BeginWithin(state, count, isRoot ? PushdownParse.NoFrame : PushdownParse.Outside, depth);
        foreach (var (token, _) in state.Tokens)
        {
            if (parse.StepToken(token)) accepted.Add(token);
            parse.Undo(1);
        }

        var trie = vocabulary.Trie;
        var ends = new List<int>();
        for (var node = 0; node < trie.Count;)
        {
            parse.Undo(trie.Depth(node));
            if (!parse.Step(trie.Label(node)))
            {
                node = trie.Skip(node);
                continue;
            }
            // The rule's end is as good a place for a token to end as any: what called the rule goes on from there.
            accepted.Add(trie.TokensAt(node));
            if (parse.Escaped) ends.Add(node);
            node = parse.TakesInput ? node + 1 : trie.Skip(node);
        }
        return new StateMask(accepted, FindRests(vocabulary, ends, accepted), parse.Reach - depth);
    }

    private static TokenTrie FindRests(GrammarVocabulary vocabulary, List<int> ends, TokenMask accepted)
    {
        var rests = new List<(ReadOnlyMemory<byte>, int)>();
        foreach (var end in ends)
        {
            foreach (var token in vocabulary.Trie.TokensBelow(end))
            {
                if (!accepted[token]) rests.Add((vocabulary.BytesOf(token)[vocabulary.Trie.Depth(end)..], token));
            }
        }
        return new TokenTrie([.. rests]);
    }
}
