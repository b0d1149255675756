namespace Qwen3Next.AI.Cli.Output;

/// <summary>Text from a model or a file as it may go to a terminal.</summary>
internal static class PlainText
{
    /// <summary>Leaves out control characters other than line feed and tab: a model must not steer the user's terminal.</summary>
    public static string Of(string text) =>
        text.Any(IsUnwanted) ? string.Concat(text.Where(c => !IsUnwanted(c))) : text;

    private static bool IsUnwanted(char c) => char.IsControl(c) && c is not ('\n' or '\t');
}
