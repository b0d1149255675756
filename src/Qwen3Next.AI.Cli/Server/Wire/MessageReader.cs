using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>Reads the messages of a chat.</summary>
internal static class MessageReader
{
    /// <exception cref="ApiException">There are none, too many, or one is of another form.</exception>
    public static List<ChatMessage> Read(JsonFields body, int most)
    {
        List<ChatMessage> messages = [.. body.Items("messages", most).Select(item => Message(new JsonFields(item.Item, item.Path)))];
        return messages.Count > 0 ? messages : throw body.Missing("messages", "an array of at least one message");
    }

    private static ChatMessage Message(JsonFields message)
    {
        var role = message.RequiredText("role");
        ChatMessage read = role switch
        {
            "system" or "developer" => new(ChatRole.System, RequiredContent(message)),
            "user" => new(ChatRole.User, RequiredContent(message)),
            "assistant" => new(ChatRole.Assistant, Answer(message)),
            "tool" => new(ChatRole.Tool, [new FunctionResultContent(message.RequiredText("tool_call_id"), RequiredContent(message))]),
            _ => throw message.Wrong("role", role, "it must be system, developer, user, assistant or tool"),
        };
        message.Ignore("name", "annotations"); // templates show neither
        message.RefuseRest();
        return read;
    }

    private static List<AIContent> Answer(JsonFields message)
    {
        var contents = new List<AIContent>();
        // vLLM and SGLang know one name each; where both are sent, they say the same.
        var (thoughts, other) = (message.Text("reasoning_content"), message.Text("reasoning"));
        if ((thoughts ?? other) is { Length: > 0 } reasoning) contents.Add(new TextReasoningContent(reasoning));
        if (Content(message) is { Length: > 0 } text) contents.Add(new TextContent(text));
        foreach (var (call, path) in message.Items("tool_calls", int.MaxValue)) contents.Add(Call(new JsonFields(call, path)));
        return contents;
    }

    private static FunctionCallContent Call(JsonFields call)
    {
        var id = call.Text("id") ?? "";
        call.Ignore("index");
        var function = ToolReader.Function(call);
        var (name, arguments) = (function.RequiredText("name"), Arguments(function));
        function.RefuseRest();
        return new FunctionCallContent(id, name, arguments);
    }

    // An object, or one as text, which is how answers write it.
    private static Dictionary<string, object?>? Arguments(JsonFields function)
    {
        if (function.Any("arguments") is not { } arguments) return null;
        var path = function.PathOf("arguments");
        if (arguments.ValueKind == JsonValueKind.String)
        {
            if (arguments.GetString()!.Trim() is not { Length: > 0 } text) return null;
            arguments = RequestBody.Parse(Encoding.UTF8.GetBytes(text), path);
        }
        if (arguments.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(path, arguments, "an object, or one as text");
        return arguments.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value, StringComparer.Ordinal);
    }

    private static string RequiredContent(JsonFields message) => Content(message) ?? throw message.Missing("content", "text, or parts of type text");

    /// <summary>Text, or parts of which all are text; null where there is none.</summary>
    private static string? Content(JsonFields message)
    {
        if (message.Any("content") is not { } content) return null;
        var path = message.PathOf("content");
        if (content.ValueKind == JsonValueKind.String) return content.GetString();
        if (content.ValueKind != JsonValueKind.Array) throw JsonFields.Wrong(path, content, "text, or parts of type text");
        return string.Concat(content.EnumerateArray().Select((part, i) => Part(new JsonFields(part, $"{path}[{i}]"))));
    }

    private static string Part(JsonFields part)
    {
        if (part.RequiredText("type") is var type and not "text") throw part.Wrong("type", type, "the model reads text only, so send parts of type text");
        var text = part.RequiredText("text");
        part.RefuseRest();
        return text;
    }
}
