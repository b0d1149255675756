using System.Text;

namespace Qwen3Next.AI.Tokenization;

/// <summary>Turns tokens into text as they arrive and never gives half a character. For one stream and one thread.</summary>
public sealed class IncrementalDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    internal IncrementalDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Adds a token and returns the text it completes; empty while a character is still incomplete.</summary>
    /// <param name="id">Token id; an id without a token adds nothing.</param>
    public string Append(int id) =>
        _skipSpecialTokens && _tokenizer.IsSpecial(id) ? "" : Decode(_tokenizer.BytesOf(id), flush: false);

    /// <summary>Ends the stream: U+FFFD for a character that never became complete, otherwise empty. The decoder may then be used anew.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // One char per byte, and one for a character left open before.
        Span<char> chars = bytes.Length < 256 ? stackalloc char[bytes.Length + 2] : new char[bytes.Length + 2];
        return new string(chars[.._utf8.GetChars(bytes, chars, flush)]);
    }
}
