namespace Qwen3Next.AI.Chat;

/// <summary>Finds the end of a JSON object that arrives in pieces; tags and braces inside strings do not count.</summary>
internal struct JsonObjectScanner
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    public enum Result
    {
        /// <summary>The object goes on.</summary>
        More,

        /// <summary>The object has ended.</summary>
        Closed,

        /// <summary>A raw control character in a string: this is not JSON.</summary>
        Broken,
    }

    /// <summary>Reads on; <paramref name="at"/> moves past what was read.</summary>
    public Result Scan(ReadOnlySpan<char> text, ref int at)
    {
        while (at < text.Length)
        {
            var c = text[at++];
            if (_inString)
            {
                if (c < ' ') return Result.Broken;
                if (_escaped) _escaped = false;
                else if (c == '\\') _escaped = true;
                else if (c == '"') _inString = false;
            }
            else if (c == '"')
            {
                _inString = true;
            }
            else if (c is '{' or '[')
            {
                _depth++;
            }
            else if (c is '}' or ']' && --_depth == 0)
            {
                return Result.Closed;
            }
        }
        return Result.More;
    }
}
