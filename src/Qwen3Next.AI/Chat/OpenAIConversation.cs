using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>Messages, tools and flags read from the JSON form of OpenAI's chat completions. Nothing is filled in and nothing merged.</summary>
internal sealed record OpenAIConversation(
    IReadOnlyList<TemplateMessage> Messages, IReadOnlyList<JsonElement> Tools, bool EnableThinking, bool AddGenerationPrompt)
{
    /// <exception cref="ArgumentException">The JSON is of another form; the message says where.</exception>
    public static OpenAIConversation Read(JsonElement request)
    {
        var isObject = request.ValueKind == JsonValueKind.Object;
        var messages = isObject ? Member(request, "messages") : request;
        return new OpenAIConversation(
            [.. Items(messages, "messages").Select((message, i) => Message(message, $"messages[{i}]"))],
            [.. Items(isObject ? Member(request, "tools") : null, "tools", required: false)],
            Flag(isObject ? Member(request, "enable_thinking") : null, "enable_thinking"),
            Flag(isObject ? Member(request, "add_generation_prompt") : null, "add_generation_prompt"));
    }

    private static TemplateMessage Message(JsonElement message, string path)
    {
        var role = Text(Member(message, "role", path), $"{path}.role") ?? throw Bad($"{path}.role", null, "system, user, assistant or tool");
        return new TemplateMessage
        {
            Role = role == "developer" ? "system" : role,
            Content = Content(Member(message, "content", path), $"{path}.content"),
            Reasoning = Text(Member(message, "reasoning_content", path), $"{path}.reasoning_content"),
            ToolCalls = [.. Items(Member(message, "tool_calls", path), $"{path}.tool_calls", required: false).Select((call, i) => Call(call, $"{path}.tool_calls[{i}]"))],
        };
    }

    /// <summary>Text, or parts of which all are text.</summary>
    private static string? Content(JsonElement? content, string path) => content is { ValueKind: JsonValueKind.Array }
        ? string.Concat(Items(content, path).Select((part, i) => Text(Member(part, "text", $"{path}[{i}]"), $"{path}[{i}].text") ?? throw Bad($"{path}[{i}]", part, "a part of type text")))
        : Text(content, path);

    private static TemplateToolCall Call(JsonElement call, string path)
    {
        var function = Member(call, "function", path) ?? throw Bad($"{path}.function", null, "an object");
        return new TemplateToolCall(
            Text(Member(function, "name", $"{path}.function"), $"{path}.function.name") ?? throw Bad($"{path}.function.name", null, "text"),
            Member(function, "arguments", $"{path}.function") ?? throw Bad($"{path}.function.arguments", null, "an object, or one as text"));
    }

    private static JsonElement? Member(JsonElement parent, string name, string path = "The request") =>
        parent.ValueKind != JsonValueKind.Object ? throw Bad(path, parent, "an object")
        : parent.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static IEnumerable<JsonElement> Items(JsonElement? value, string path, bool required = true) => value switch
    {
        { ValueKind: JsonValueKind.Array } array => array.EnumerateArray(),
        null when !required => [],
        _ => throw Bad(path, value, "an array"),
    };

    private static string? Text(JsonElement? value, string path) => value switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Bad(path, value, "text"),
    };

    private static bool Flag(JsonElement? value, string path) => value switch
    {
        null or { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Bad(path, value, "true or false"),
    };

    private static ArgumentException Bad(string path, JsonElement? found, string wanted)
    {
        var raw = found?.GetRawText();
        return new ArgumentException($"{path} is {(raw is null ? "missing" : raw.Length <= 40 ? raw : raw[..40] + "...")}; it must be {wanted}.");
    }
}
