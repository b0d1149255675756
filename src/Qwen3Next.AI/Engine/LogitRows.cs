using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI.Engine;

/// <summary>Logits of some rows of a prompt.</summary>
/// <param name="Values">[Rows, VocabularySize], row-major.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="VocabularySize">Width of a row.</param>
public sealed record LogitRows(ReadOnlyMemory<float> Values, int Rows, int VocabularySize)
{
    /// <summary>Writes a safetensors file with one tensor <c>logits</c> [Rows, VocabularySize] F32.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    public void Save(string path)
    {
        using var writer = new SafetensorsWriter(path, new SafetensorsTensor("logits", "F32", [Rows, VocabularySize]));
        writer.Write(Values.Span);
        writer.Complete();
    }
}
