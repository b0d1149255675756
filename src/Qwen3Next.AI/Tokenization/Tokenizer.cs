namespace Qwen3Next.AI.Tokenization;

/// <summary>Text to token ids and back.</summary>
public sealed class Tokenizer
{
}
