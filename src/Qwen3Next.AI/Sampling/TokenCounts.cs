using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Sampling;

/// <summary>How often each token occurs in a conversation's answer, and which occur at all, prompt included. Kept only where a penalty is in force.</summary>
internal sealed class TokenCounts
{
    private readonly int[] _inOutput;
    private readonly bool[] _seen;
    private readonly List<int> _tokens = [];
    private readonly int _inPrompt;

    public TokenCounts(int vocabularySize, ReadOnlySpan<int> prompt)
    {
        _inOutput = new int[vocabularySize];
        _seen = new bool[vocabularySize];
        foreach (var token in prompt) See(token);
        _inPrompt = _tokens.Count;
    }

    /// <summary>The tokens that occur, in order of their first occurrence.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    public bool Contains(int token) => _seen[token];

    /// <summary>Occurrences in the answer.</summary>
    public int InOutput(int token) => _inOutput[token];

    public void Add(int token)
    {
        See(token);
        _inOutput[token]++;
    }

    /// <summary>Takes the last token of the answer back.</summary>
    public void TakeBack(int token)
    {
        // A token of the answer alone that is gone from it was the last one to be seen for the first time.
        if (--_inOutput[token] > 0 || _tokens.Count == _inPrompt || _tokens[^1] != token) return;
        _tokens.RemoveAt(_tokens.Count - 1);
        _seen[token] = false;
    }

    private void See(int token)
    {
        if (_seen[token]) return;
        _seen[token] = true;
        _tokens.Add(token);
    }
}
