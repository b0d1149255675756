using System.Numerics;
using System.Text;
using Qwen3Next.AI.Grammar;

namespace Qwen3Next.AI.Tests.Grammar;

/// <summary>A sampler without a model: any allowed token, with a liking for those that close something, so that texts come to an end.</summary>
internal sealed class RandomText(Random random, GrammarVocabulary vocabulary)
{
    private static readonly string[] s_closing = ["\"", "}", "]", "\"}", "0", ",\"", ":", "<|im_end|>"];
    private readonly int[] _closing = [.. Enumerable.Range(0, vocabulary.Size).Where(id => s_closing.Contains(Encoding.UTF8.GetString(vocabulary.BytesOf(id).Span)))];

    /// <summary>A text of the grammar; null where so many tokens do not complete one.</summary>
    public string? Write(GrammarAutomaton automaton, int mostTokens)
    {
        var stop = vocabulary.FindToken("<|im_end|>")!.Value;
        var state = new GrammarState(automaton, [stop]);
        using var text = new MemoryStream();
        for (var i = 0; i < mostTokens; i++)
        {
            if (state.Finished) return Encoding.UTF8.GetString(text.ToArray());
            var token = Choose(state.Allowed());
            if (token == stop) return Encoding.UTF8.GetString(text.ToArray());
            state.Advance(token);
            if (random.Next(4) == 0) state.Commit();
            text.Write(vocabulary.BytesOf(token).Span);
        }
        return null;
    }

    private int Choose(ReadOnlySpan<ulong> allowed)
    {
        if (random.Next(5) < 2)
        {
            var start = random.Next(_closing.Length);
            for (var i = 0; i < _closing.Length; i++)
            {
                var token = _closing[(start + i) % _closing.Length];
                if ((allowed[token >> 6] & (1UL << token)) != 0) return token;
            }
        }
        for (var index = random.Next(allowed.Length); ; index = (index + 1) % allowed.Length)
        {
            if (allowed[index] == 0) continue;
            var word = allowed[index];
            for (var skip = random.Next(BitOperations.PopCount(word)); skip > 0; skip--) word &= word - 1;
            return 64 * index + BitOperations.TrailingZeroCount(word);
        }
    }
}
