namespace Qwen3Next.AI.Grammar;

/// <summary>
/// Sets of characters that regular expressions name. Dialects differ beyond ASCII, so a set holds what belongs to it in ECMAScript and in .NET.
/// </summary>
internal static class CharacterClass
{
    public static readonly IReadOnlyList<(int First, int Last)> Digits = [('0', '9')];
    public static readonly IReadOnlyList<(int First, int Last)> Word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    public static readonly IReadOnlyList<(int First, int Last)> Space = [('\t', '\r'), (' ', ' ')];
    public static readonly IReadOnlyList<(int First, int Last)> NoDigits = Without(char.IsDigit);
    public static readonly IReadOnlyList<(int First, int Last)> NoWord = [.. Without(c => c >= 0x80 || char.IsAsciiLetterOrDigit(c) || c == '_').Where(range => range.First < 0x80)];
    public static readonly IReadOnlyList<(int First, int Last)> NoSpace = Without(c => char.IsWhiteSpace(c) || c == '\uFEFF');

    /// <summary>The dot: any character but the end of a line.</summary>
    public static readonly IReadOnlyList<(int First, int Last)> NoLineEnd = Without(c => c is '\n' or '\r' or '\u2028' or '\u2029');

    public static readonly IReadOnlyList<(int First, int Last)> Any = [(0, CharacterEdge.LastCharacter)];

    /// <summary>All characters that are in none of the ranges.</summary>
    public static IReadOnlyList<(int First, int Last)> Complement(IEnumerable<(int First, int Last)> ranges)
    {
        var (rest, next) = (new List<(int, int)>(), 0);
        foreach (var (first, last) in ranges.Order())
        {
            if (first > next) rest.Add((next, first - 1));
            next = Math.Max(next, last + 1);
        }
        if (next <= CharacterEdge.LastCharacter) rest.Add((next, CharacterEdge.LastCharacter));
        return rest;
    }

    private static IReadOnlyList<(int First, int Last)> Without(Func<char, bool> excluded) =>
        Complement(Enumerable.Range(0, 0x10000).Where(c => excluded((char)c)).Select(c => (c, c)));
}
