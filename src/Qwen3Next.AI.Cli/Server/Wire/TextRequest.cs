using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>A request to continue a text.</summary>
internal sealed record TextRequest(int[] Prompt, ChatOptions Options, bool Streams, bool IncludesUsage)
{
    // OpenAI's default; people who omit it know that.
    private const int DefaultTokens = 16;

    /// <exception cref="ApiException">Something is missing, of another form, or not supported.</exception>
    public static TextRequest Read(JsonFields body, IQwen3NextEngine engine)
    {
        var prompt = Prompts(body, engine);
        var settings = GenerationFields.Read(body);
        settings.MaxOutputTokens = body.Whole("max_tokens", 1, int.MaxValue) ?? DefaultTokens;
        var options = new ChatOptions { RawRepresentationFactory = _ => settings };
        if (GenerationFields.Top(body, "logprobs") is { } top) GenerationFields.Want(options, top);
        body.Whole("best_of", 1, 1);
        if (body.Flag("echo") is true) throw ApiException.Bad("echo is true, but only the continuation is written. Put the prompt before it.", "echo", "unsupported_value");
        var (streams, includesUsage) = GenerationFields.Stream(body);
        GenerationFields.IgnoreHarmless(body);
        body.RefuseRest();
        return new TextRequest(prompt, options, streams, includesUsage);
    }

    /// <summary>A text, in which the texts of control tokens become those tokens, or token ids; alone, or as the only item of an array.</summary>
    private static int[] Prompts(JsonFields body, IQwen3NextEngine engine)
    {
        var prompt = body.Any("prompt") ?? throw body.Missing("prompt", "a text or an array of token ids");
        if (prompt is { ValueKind: JsonValueKind.Array } && prompt.GetArrayLength() == 1 && prompt[0].ValueKind is JsonValueKind.String or JsonValueKind.Array) prompt = prompt[0];
        var tokens = prompt.ValueKind switch
        {
            JsonValueKind.String => engine.Tokenizer.Encode(prompt.GetString()!, parseSpecialTokens: true),
            JsonValueKind.Array => [.. prompt.EnumerateArray().Select(id => Token(id, engine.ModelInfo.VocabularySize))],
            _ => throw JsonFields.Wrong("prompt", prompt, "a text or an array of token ids"),
        };
        return tokens.Length > 0 ? tokens : throw ApiException.Bad("prompt is empty; it must have at least one character.", "prompt", "invalid_value");
    }

    private static int Token(JsonElement id, int vocabulary) =>
        id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var token) && token >= 0 && token < vocabulary
            ? token
            : throw JsonFields.Wrong("prompt", id, $"one text, or token ids from 0 to {vocabulary - 1}; several prompts are several requests");
}
