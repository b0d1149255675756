using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>How answers are written; generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(TextCompletion))]
[JsonSerializable(typeof(EmbeddingList))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ServerHealth))]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class WireJson : JsonSerializerContext;

/// <summary>The same, with letters of all languages as they are: answers are JSON for programs, never part of a page's text.</summary>
internal static class AnswerJson
{
    public static JsonWriterOptions Writer { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static WireJson Types { get; } = new(new JsonSerializerOptions(WireJson.Default.Options) { Encoder = Writer.Encoder });
}

/// <summary>What went wrong, in OpenAI's shape.</summary>
internal sealed record ErrorBody(ErrorDetail Error);

/// <inheritdoc cref="ApiException"/>
internal sealed record ErrorDetail(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);
