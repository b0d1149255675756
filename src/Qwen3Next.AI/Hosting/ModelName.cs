namespace Qwen3Next.AI.Hosting;

/// <summary>A registered model.</summary>
/// <param name="Options">The key of its services and the name of its options; "" for the one without a key.</param>
/// <param name="Embeds">It is asked for embeddings, not for text.</param>
internal sealed record ModelName(string Options, bool Embeds = false)
{
    public string? Key => Options.Length > 0 ? Options : null;

    public string Display => Key ?? "Qwen3Next";
}
