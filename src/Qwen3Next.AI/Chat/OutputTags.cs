namespace Qwen3Next.AI.Chat;

/// <summary>The tags that models write around thinking and tool calls.</summary>
internal static class OutputTags
{
    public const string Think = "<think>";
    public const string ThinkEnd = "</think>";
    public const string ToolCall = "<tool_call>";
    public const string ToolCallEnd = "</tool_call>";
    public const string Function = "<function=";
    public const string FunctionEnd = "</function>";
    public const string Parameter = "<parameter=";
    public const string ParameterEnd = "</parameter>";

    /// <summary>Whether the text may be the start of a tag that is not complete yet; nothing may.</summary>
    public static bool MayBecome(ReadOnlySpan<char> text, string tag) => text.Length < tag.Length && tag.AsSpan().StartsWith(text);

    /// <summary>How many of the last characters may be the start of one of the tags.</summary>
    public static int HeldLength(ReadOnlySpan<char> text, ReadOnlySpan<string> tags)
    {
        var held = 0;
        foreach (var tag in tags)
        {
            for (var length = Math.Min(tag.Length - 1, text.Length); length > held; length--)
            {
                if (MayBecome(text[^length..], tag)) held = length;
            }
        }
        return held;
    }
}
