using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Chat;

/// <summary>Writes tools as the function objects that the prompt shows to the model.</summary>
internal static class ToolDeclarations
{
    /// <summary>Functions in order; a declaration without a body counts. Other tools are run by services, so there is nothing to offer.</summary>
    public static IReadOnlyList<JsonElement> From(IList<AITool>? tools, ILogger logger)
    {
        var declarations = new List<JsonElement>();
        foreach (var tool in tools ?? [])
        {
            if (tool.GetService<AIFunctionDeclaration>() is { } function) declarations.Add(Write(function));
            else ChatLog.ToolNotOffered(logger, tool.Name, tool.GetType().Name);
        }
        return declarations;
    }

    private static JsonElement Write(AIFunctionDeclaration function)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", function.Name);
            if (function.Description.Length > 0) json.WriteString("description", function.Description);
            json.WritePropertyName("parameters");
            function.JsonSchema.WriteTo(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
