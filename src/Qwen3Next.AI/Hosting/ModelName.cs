namespace Qwen3Next.AI.Hosting;

/// <summary>A registered model: the key of its services and the name of its options; "" for the one without a key.</summary>
internal sealed record ModelName(string Options)
{
    public string? Key => Options.Length > 0 ? Options : null;

    public string Display => Key ?? "Qwen3Next";
}
