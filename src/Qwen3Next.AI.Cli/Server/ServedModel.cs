using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>What the server answers with.</summary>
/// <param name="Chat">Answers chats and continues texts.</param>
/// <param name="Embeddings">Embeds texts; null where no such model is loaded.</param>
internal sealed record ServedModel(IChatClient Chat, IEmbeddingGenerator<string, Embedding<float>>? Embeddings = null)
{
    public IQwen3NextEngine Engine => Chat.GetRequiredService<IQwen3NextEngine>();

    public Qwen3NextModelInfo Info => Engine.ModelInfo;

    public Qwen3NextModelInfo? EmbeddingInfo => Embeddings?.GetService<Qwen3NextModelInfo>();

    /// <summary>When the server began, which stands for the models' date.</summary>
    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    /// <summary>A request may leave the chat model's name out: there is one.</summary>
    /// <exception cref="ApiException">It asks for another.</exception>
    public void CheckName(string? name)
    {
        if (name is not null && !name.Equals(Info.ModelId, StringComparison.OrdinalIgnoreCase)) throw Unknown(name);
    }

    public ApiException Unknown(string name)
    {
        var served = EmbeddingInfo is { } embeddings ? $"'{Info.ModelId}' for text and '{embeddings.ModelId}' for embeddings" : $"'{Info.ModelId}'";
        return new ApiException(StatusCodes.Status404NotFound,
            $"The model '{name}' is not served here; there is {served}. GET /v1/models lists what is.", "model", "model_not_found");
    }
}
