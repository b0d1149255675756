namespace Qwen3Next.AI.Chat;

/// <summary>Finds the prompt format of a checkpoint.</summary>
internal static class ChatFormatDetector
{
    public static Qwen3NextFormat Detect(string checkpointFolder)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(checkpointFolder));
        if (name.Contains("Thinking", StringComparison.OrdinalIgnoreCase)) return Qwen3NextFormat.Thinking;
        return name.Contains("Coder", StringComparison.OrdinalIgnoreCase) ? Qwen3NextFormat.Coder : Qwen3NextFormat.Instruct;
    }
}
