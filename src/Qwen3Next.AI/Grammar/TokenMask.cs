using System.Collections;
using System.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Qwen3Next.AI.Grammar;

/// <summary>A set of token ids: one bit each, lowest bit of the first word first.</summary>
internal sealed class TokenMask(int tokens) : IEnumerable<int>
{
    private readonly ulong[] _words = new ulong[(tokens + 63) / 64];

    public ReadOnlySpan<ulong> Words => _words;

    public bool this[int token] => (_words[token >> 6] & (1UL << token)) != 0;

    public int Count
    {
        get
        {
            var count = 0;
            foreach (var word in _words) count += BitOperations.PopCount(word);
            return count;
        }
    }

    public IEnumerator<int> GetEnumerator()
    {
        for (var i = 0; i < _words.Length; i++)
        {
            for (var word = _words[i]; word != 0; word &= word - 1) yield return 64 * i + BitOperations.TrailingZeroCount(word);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Clear() => Array.Clear(_words);

    public void Add(int token) => _words[token >> 6] |= 1UL << token;

    public void Add(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens) Add(token);
    }

    public void Add(ReadOnlySpan<ulong> words) => TensorPrimitives.BitwiseOr(_words, words, _words);
}
