using System.Globalization;
using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>Brings text into the form that the vocabulary was made for, whatever the text holds.</summary>
internal static class TextNormalizer
{
    /// <summary>
    /// Sorting the combining marks behind one character takes time quadratic in their number, minutes for a megabyte of them.
    /// Longer runs are normalized in pieces of this many marks; no writing system comes near it.
    /// </summary>
    private const int LongestMarkRun = 512;

    /// <summary>A code point that <see cref="string.Normalize()"/> refuses, though it composes with nothing and may stay as it is.</summary>
    private const char NotNormalizable = '\uFFFE';

    /// <summary>The text with U+FFFD for each lone surrogate; its length stays.</summary>
    public static string ReplaceLoneSurrogates(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return text;
        var builder = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) builder.Append(rune);
        return builder.ToString();
    }

    /// <summary>Normalization form C of text without lone surrogates.</summary>
    public static string Compose(string text)
    {
        if (Ascii.IsValid(text)) return text;
        var builder = new StringBuilder(text.Length);
        for (int start = 0, end; start < text.Length; start = end)
        {
            if (text[start] == NotNormalizable)
            {
                builder.Append(NotNormalizable);
                end = start + 1;
                continue;
            }
            end = PieceEnd(text, start);
            var piece = text[start..end];
            builder.Append(piece.IsNormalized() ? piece : piece.Normalize());
        }
        return builder.ToString();
    }

    // A piece ends before U+FFFE, and where a run of marks reaches the limit.
    private static int PieceEnd(string text, int start)
    {
        var marks = 0;
        for (var at = start; at < text.Length;)
        {
            if (text[at] == NotNormalizable) return at;
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            at += length;
            marks = IsMark(rune) ? marks + 1 : 0;
            if (marks == LongestMarkRun) return at;
        }
        return text.Length;
    }

    private static bool IsMark(Rune rune) =>
        rune.Value >= 0x300 && Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
