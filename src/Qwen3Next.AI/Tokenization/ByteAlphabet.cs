using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>The printable character that stands for each byte in the token strings of a byte-level vocabulary.</summary>
internal static class ByteAlphabet
{
    private const char FirstShifted = '\u0100';
    private static readonly char[] s_chars = BuildChars();
    private static readonly short[] s_bytes = BuildBytes();

    public static char CharOf(byte value) => s_chars[value];

    /// <summary>The bytes a token string stands for; a token outside the alphabet stands for its own UTF-8.</summary>
    public static byte[] BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (token[i] >= s_bytes.Length || s_bytes[token[i]] < 0) return Encoding.UTF8.GetBytes(token);
            bytes[i] = (byte)s_bytes[token[i]];
        }
        return bytes;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        var shifted = FirstShifted;
        for (var value = 0; value < chars.Length; value++)
        {
            var standsForItself = value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
            chars[value] = standsForItself ? (char)value : shifted++;
        }
        return chars;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[s_chars.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < s_chars.Length; value++) bytes[s_chars[value]] = (short)value;
        return bytes;
    }
}
