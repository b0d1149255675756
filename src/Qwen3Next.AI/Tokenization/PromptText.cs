namespace Qwen3Next.AI.Tokenization;

/// <summary>A prompt and which parts of it are text from people or tools, where added tokens are not looked for.</summary>
/// <param name="Text">The whole prompt.</param>
/// <param name="Literals">Ranges of <paramref name="Text"/>, from the start, in ascending order and without overlap.</param>
internal sealed record PromptText(string Text, IReadOnlyList<Range> Literals);
