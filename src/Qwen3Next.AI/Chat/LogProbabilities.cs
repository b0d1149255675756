using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Log probabilities in requests and answers: asked for, and given, in the form of OpenAI's chat completions.</summary>
internal static class LogProbabilities
{
    /// <summary>Key of the answer's last update, and of the request.</summary>
    public const string Key = "logprobs";

    private const string TopKey = "top_logprobs";

    /// <summary>How many tokens beside each chosen one; null where none are asked for.</summary>
    public static int? Top(ChatOptions? options)
    {
        var more = new AdditionalProperties(options?.AdditionalProperties);
        var top = more.Number(TopKey);
        if (top is { } count && (count is < 0 or > TokenLogProbability.MaxTop || count != MathF.Floor(count)))
            throw new ArgumentOutOfRangeException(nameof(options), top, $"ChatOptions.AdditionalProperties[\"{TopKey}\"] must be a whole number from 0 to {TokenLogProbability.MaxTop}.");
        return more.Flag(Key) ?? top is not null ? (int)(top ?? 0) : null;
    }

    public static JsonElement Write(IReadOnlyList<TokenLogProbability> tokens, Tokenizer tokenizer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var token in tokens)
            {
                json.WriteStartObject();
                WriteToken(json, token, tokenizer);
                json.WriteStartArray(TopKey);
                foreach (var other in token.Top)
                {
                    json.WriteStartObject();
                    WriteToken(json, other, tokenizer);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    // Bytes too: a token may be a part of a character.
    private static void WriteToken(Utf8JsonWriter json, TokenLogProbability token, Tokenizer tokenizer)
    {
        json.WriteString("token", tokenizer.Decode([token.Token]));
        if (float.IsFinite(token.LogProbability)) json.WriteNumber("logprob", token.LogProbability);
        else json.WriteNull("logprob");
        json.WriteStartArray("bytes");
        foreach (var value in tokenizer.BytesOf(token.Token)) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
