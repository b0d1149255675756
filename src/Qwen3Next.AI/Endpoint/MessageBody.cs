using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Qwen3Next.AI.Chat;

namespace Qwen3Next.AI.Endpoint;

/// <summary>Turns as the messages of a request. The server renders them by the checkpoint's own template, which reads no call ids: any that match will do.</summary>
internal static class MessageBody
{
    public static void Write(Utf8JsonWriter json, IReadOnlyList<TemplateMessage> turns)
    {
        var (calls, results) = (0, 0);
        json.WriteStartArray("messages");
        foreach (var turn in turns)
        {
            json.WriteStartObject();
            json.WriteString("role", turn.Role);
            json.WriteString("content", turn.Content ?? "");
            if (turn.Reasoning is { } reasoning)
            {
                // SGLang and older vLLM know the first name, newer vLLM the second.
                json.WriteString("reasoning_content", reasoning);
                json.WriteString("reasoning", reasoning);
            }
            if (turn.Role == "tool") json.WriteString("tool_call_id", Id(results++));
            if (turn.ToolCalls.Count > 0)
            {
                json.WriteStartArray("tool_calls");
                foreach (var call in turn.ToolCalls) WriteCall(json, call, Id(calls++));
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteCall(Utf8JsonWriter json, TemplateToolCall call, string id)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", call.Name);
        json.WriteString("arguments", Compact(call.Arguments));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Compact(JsonElement arguments)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer)) arguments.WriteTo(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"call_{number}");
}
