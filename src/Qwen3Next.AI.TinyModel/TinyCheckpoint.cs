namespace Qwen3Next.AI.TinyModel;

/// <summary>Where the bundled tiny checkpoint lies.</summary>
public static class TinyCheckpoint
{
    /// <summary>The checkpoint folder next to the running application. It is a normal Hugging Face model folder.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "qwen3next-tiny");
}
