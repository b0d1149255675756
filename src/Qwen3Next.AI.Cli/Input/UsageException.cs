namespace Qwen3Next.AI.Cli.Input;

/// <summary>What the user asked for cannot be meant; the message says what and what to write instead.</summary>
internal sealed class UsageException(string message) : Exception(message);
