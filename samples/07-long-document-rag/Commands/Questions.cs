namespace LongDocumentRag.Commands;

/// <summary>Questions from the keyboard, or line by line from a pipe.</summary>
internal static class Questions
{
    /// <summary>The next one, or null at an empty line or the end of the input.</summary>
    public static async Task<string?> NextAsync(CancellationToken cancellationToken)
    {
        Console.Write("> ");
        var line = await Console.In.ReadLineAsync(cancellationToken);
        if (Console.IsInputRedirected) Console.WriteLine(line);
        return string.IsNullOrWhiteSpace(line) ? null : line.Trim();
    }
}
