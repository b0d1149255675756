using System.Runtime.InteropServices;

namespace Qwen3Next.AI.Sampling;

/// <summary>How often each token occurs in a conversation's answer, and which occur at all, prompt included. Kept only where a penalty is in force.</summary>
internal sealed class TokenCounts
{
    private readonly int[] _inOutput;
    private readonly bool[] _seen;
    private readonly List<int> _tokens = [];

    public TokenCounts(int vocabularySize, ReadOnlySpan<int> prompt)
    {
        _inOutput = new int[vocabularySize];
        _seen = new bool[vocabularySize];
        foreach (var token in prompt) See(token);
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

    public void Apply(SamplingParameters p, Span<float> logits)
    {
        foreach (var token in _tokens)
        {
            if (token >= logits.Length) continue;
            ref var logit = ref logits[token];
            logit = logit > 0 ? logit / p.RepetitionPenalty : logit * p.RepetitionPenalty;
            if (_inOutput[token] > 0) logit -= p.FrequencyPenalty * _inOutput[token] + p.PresencePenalty;
        }
    }

    private void See(int token)
    {
        if (_seen[token]) return;
        _seen[token] = true;
        _tokens.Add(token);
    }
}
