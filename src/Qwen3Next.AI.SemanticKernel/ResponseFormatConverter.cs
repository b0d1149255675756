using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.SemanticKernel;

/// <summary>Response formats in prompt files: a word or a schema. A type is written as its schema, which is how the kernel hands it on.</summary>
internal sealed class ResponseFormatConverter : JsonConverter<object>
{
    public override object? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString() : JsonElement.ParseValue(ref reader);

    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        switch (value)
        {
            case string word: writer.WriteStringValue(word); break;
            case JsonElement schema: schema.WriteTo(writer); break;
            case Type type: AIJsonUtilities.CreateJsonSchema(type).WriteTo(writer); break;
            default:
                throw new JsonException($"ResponseFormat is a {value.GetType().Name}; it must be \"text\", \"json_object\", a JSON schema as JsonElement, or a Type.");
        }
    }
}
