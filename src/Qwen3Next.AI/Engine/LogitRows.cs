namespace Qwen3Next.AI.Engine;

/// <summary>Logits of some rows of a prompt.</summary>
/// <param name="Values">[Rows, VocabularySize], row-major.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="VocabularySize">Width of a row.</param>
public sealed record LogitRows(ReadOnlyMemory<float> Values, int Rows, int VocabularySize);
