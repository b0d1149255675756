namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Tokens by their bytes, as a tree in preorder: a node's children follow it, and <see cref="Skip"/> leads behind its subtree. One walk tries
/// all tokens, and what several tokens share is tried once.
/// </summary>
internal sealed class TokenTrie
{
    private readonly byte[] _labels;
    private readonly ushort[] _depths;
    private readonly int[] _skips;
    private readonly int[] _firstTokens;

    /// <param name="entries">Bytes, at least one and at most 65,535 each, and token ids. Bytes may repeat.</param>
    public TokenTrie((ReadOnlyMemory<byte> Bytes, int Token)[] entries)
    {
        Array.Sort(entries, static (a, b) => a.Bytes.Span.SequenceCompareTo(b.Bytes.Span));
        Tokens = Array.ConvertAll(entries, entry => entry.Token);
        var (labels, depths, firsts) = (new List<byte>(), new List<ushort>(), new List<int>());
        ReadOnlySpan<byte> previous = [];
        for (var i = 0; i < entries.Length; i++)
        {
            var bytes = entries[i].Bytes.Span;
            for (var depth = previous.CommonPrefixLength(bytes); depth < bytes.Length; depth++)
            {
                labels.Add(bytes[depth]);
                depths.Add((ushort)(depth + 1));
                firsts.Add(i);
            }
            previous = bytes;
        }
        (_labels, _depths, _firstTokens) = ([.. labels], [.. depths], [.. firsts, entries.Length]);
        _skips = FindSkips(_depths);
    }

    public int Count => _labels.Length;

    /// <summary>All token ids in the order of their bytes, so that every subtree is a range.</summary>
    public int[] Tokens { get; }

    public byte Label(int node) => _labels[node];

    /// <summary>Length of the bytes from the root to a node.</summary>
    public int Depth(int node) => _depths[node];

    public int Skip(int node) => _skips[node];

    /// <summary>Tokens whose bytes end at a node.</summary>
    public ReadOnlySpan<int> TokensAt(int node) => Tokens.AsSpan(_firstTokens[node].._firstTokens[node + 1]);

    /// <summary>Tokens whose bytes go on below a node.</summary>
    public ReadOnlySpan<int> TokensBelow(int node) => Tokens.AsSpan(_firstTokens[node + 1].._firstTokens[_skips[node]]);

    private static int[] FindSkips(ushort[] depths)
    {
        var skips = new int[depths.Length];
        var open = new Stack<int>();
        for (var node = 0; node < depths.Length; node++)
        {
            while (open.TryPeek(out var last) && depths[last] >= depths[node]) skips[open.Pop()] = node;
            open.Push(node);
        }
        foreach (var last in open) skips[last] = depths.Length;
        return skips;
    }
}
