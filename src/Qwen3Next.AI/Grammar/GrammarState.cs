namespace Qwen3Next.AI.Grammar;

/// <summary>
/// How far one answer has come in its grammar. Tokens can be taken back, so drafts may be tried: advance, ask, advance, ask, then rewind what was
/// not accepted and commit the rest. For one thread of execution; allocates nothing per token once its grammar has met the states.
/// </summary>
internal sealed class GrammarState
{
    private readonly GrammarAutomaton _automaton;
    private readonly PushdownParse _parse;
    private readonly TokenMask _mask;
    private readonly int[] _stopTokens;
    private readonly int _budget;
    private readonly List<(int Levels, int Spent)> _history = new(16);
    private int _spent;

    /// <param name="automaton">The grammar; shared.</param>
    /// <param name="stopTokens">Allowed where the text may end.</param>
    /// <param name="budget">Tokens after which the grammar's limited rule must end. Null: no limit.</param>
    public GrammarState(GrammarAutomaton automaton, IReadOnlyList<int> stopTokens, int? budget = null)
    {
        (_automaton, _budget) = (automaton, budget ?? int.MaxValue);
        _parse = automaton.Begin();
        _stopTokens = [.. stopTokens];
        _mask = new TokenMask(automaton.Vocabulary.Size);
    }

    /// <summary>The text is complete, and nothing can follow.</summary>
    public bool Finished => _parse is { Complete: true, TakesInput: false };

    /// <summary>The tokens that may follow; there is at least one while not <see cref="Finished"/>. Valid until the next call.</summary>
    public ReadOnlySpan<ulong> Allowed()
    {
        _mask.Clear();
        var exhausted = _spent >= _budget;
        for (var i = 0; i < _parse.Threads.Length; i++)
        {
            var thread = _parse.Threads[i];
            if (!thread.State.TakesInput || (exhausted && thread.State.Rule == _automaton.Limited)) continue;
            var tokens = _automaton.MaskOf(thread, _parse.DepthOf(thread.Stack));
            tokens.AddTo(_mask);
            if (tokens.Rests.Count > 0) AddBehindTheEnd(thread.Stack, tokens.Rests);
        }
        if (_parse.Complete) AddStopTokens();
        return _mask.Words;
    }

    /// <summary>Adds a token to the text.</summary>
    /// <exception cref="InvalidOperationException">The grammar does not allow it here.</exception>
    public void Advance(int token)
    {
        _history.Add((_parse.Levels, _spent));
        if (InLimitedRule()) _spent++;
        if (_automaton.Vocabulary.IsAdded(token) ? _parse.StepToken(token) : Read(_automaton.Vocabulary.BytesOf(token).Span)) return;
        Rewind(1);
        throw new InvalidOperationException($"Token {token} may not follow here.");
    }

    /// <summary>Takes back the last tokens since <see cref="Commit"/>.</summary>
    public void Rewind(int tokens)
    {
        if (tokens == 0) return;
        (var levels, _spent) = _history[^tokens];
        _parse.Undo(levels);
        _history.RemoveRange(_history.Count - tokens, tokens);
    }

    /// <summary>Makes all tokens so far final, which frees what taking them back would need.</summary>
    public void Commit()
    {
        _parse.Forget();
        _history.Clear();
    }

    private bool InLimitedRule()
    {
        foreach (var thread in _parse.Threads)
        {
            if (thread.State.Rule == _automaton.Limited) return true;
        }
        return false;
    }

    private bool Read(ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            if (!_parse.Step(value)) return false;
        }
        return bytes.Length > 0;
    }

    private void AddBehindTheEnd(int stack, TokenTrie rests)
    {
        var levels = _parse.Levels;
        _parse.Leave(stack);
        for (var node = 0; node < rests.Count;)
        {
            _parse.Undo(levels + rests.Depth(node));
            if (_parse.Step(rests.Label(node)))
            {
                _mask.Add(rests.TokensAt(node));
                node++;
            }
            else
            {
                node = rests.Skip(node);
            }
        }
        _parse.Undo(levels);
    }

    private void AddStopTokens()
    {
        foreach (var token in _stopTokens)
        {
            if (token < _automaton.Vocabulary.Size) _mask.Add(token);
        }
    }
}
