using System.Globalization;
using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>
/// Cuts text into the words that byte pairs may not cross. Scans code points, because .NET's regular expressions
/// see letters and digits beyond U+FFFF as surrogates and would cut them apart.
/// </summary>
internal static class WordSplitter
{
    /// <summary>The pattern that <see cref="WordEnd"/> follows, as tokenizer.json spells it.</summary>
    public const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum Kind : byte { Other, Letter, Number, Space, Newline }

    private static readonly Kind[] s_ascii = [.. Enumerable.Range(0, 128).Select(c => Classify(new Rune(c)))];

    /// <summary>The end of the word that starts at <paramref name="start"/>, which lies before the end of the text.</summary>
    public static int WordEnd(ReadOnlySpan<char> text, int start)
    {
        var contraction = ContractionEnd(text, start);
        if (contraction > 0) return contraction;

        var kind = KindAt(text, start, out var first);
        if (kind == Kind.Letter) return SkipLetters(text, first);
        if (kind == Kind.Number) return first;
        if (kind != Kind.Newline && first < text.Length && KindAt(text, first, out _) == Kind.Letter) return SkipLetters(text, first);

        var symbols = text[start] == ' ' ? first : start;
        var end = SkipSymbols(text, symbols);
        return end > symbols ? SkipNewlines(text, end) : SpaceEnd(text, start);
    }

    private static int ContractionEnd(ReadOnlySpan<char> text, int start)
    {
        if (text[start] != '\'' || start + 1 >= text.Length) return 0;
        var first = Fold(text[start + 1]);
        if (first is 's' or 't' or 'm' or 'd') return start + 2;
        if (start + 2 >= text.Length) return 0;
        return (first, Fold(text[start + 2])) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? start + 3 : 0;
    }

    // The long s folds to s: the only letter outside ASCII that the case-insensitive part of the pattern matches.
    private static char Fold(char c) => c == 'ſ' ? 's' : char.ToLowerInvariant(c);

    // A run of white space ends after its last line break; without one, before its last character where a word follows, which that character then joins.
    private static int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        var afterNewline = 0;
        while (end < text.Length && char.IsWhiteSpace(text[end]))
        {
            if (text[end++] is '\r' or '\n') afterNewline = end;
        }
        if (afterNewline > 0) return afterNewline;
        return end < text.Length && end - start >= 2 ? end - 1 : end;
    }

    private static int SkipLetters(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && KindAt(text, at, out var next) == Kind.Letter) at = next;
        return at;
    }

    private static int SkipSymbols(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && KindAt(text, at, out var next) == Kind.Other) at = next;
        return at;
    }

    private static int SkipNewlines(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && text[at] is '\r' or '\n') at++;
        return at;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int next)
    {
        var c = text[at];
        if (c < 128)
        {
            next = at + 1;
            return s_ascii[c];
        }
        Rune.DecodeFromUtf16(text[at..], out var rune, out var length);
        next = at + length;
        return Classify(rune);
    }

    private static Kind Classify(Rune rune)
    {
        if (rune.Value is '\r' or '\n') return Kind.Newline;
        if (Rune.IsWhiteSpace(rune)) return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
