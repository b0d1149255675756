using System.Text.Json;

namespace Qwen3Next.AI.Cli.Server.Wire;

internal sealed record ModelList(IReadOnlyList<ModelCard> Data)
{
    public string Object { get; } = "list";
}

/// <param name="MaxModelLen">Longest prompt plus answer, in tokens, by vLLM's name for it.</param>
internal sealed record ModelCard(string Id, long Created, int MaxModelLen)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "qwen3next";
}

internal sealed record EmbeddingList(IReadOnlyList<EmbeddedText> Data, string Model, Usage Usage)
{
    public string Object { get; } = "list";
}

/// <param name="Embedding">Numbers, or their little-endian bytes in base64.</param>
internal sealed record EmbeddedText(int Index, JsonElement Embedding)
{
    public string Object { get; } = "embedding";
}

/// <summary>How the server is: what the library's health check says, and the figures of <see cref="Qwen3NextEngineStatus"/>.</summary>
internal sealed record ServerHealth(
    string Status, string? Description, string Model, string State, int RunningRequests, int WaitingRequests, int KvCacheTokens, int UsedKvCacheTokens, int CachedPrefixes);
