using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>Reads the functions of a request, and which of them must be called.</summary>
internal static class ToolReader
{
    private const int MostTools = 256, LongestName = 128;

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    private static readonly JsonElement s_noParameters = JsonElement.Parse("""{"type":"object","properties":{}}"""u8);

    public static void Read(JsonFields body, ChatOptions options)
    {
        var tools = new Dictionary<string, AITool>();
        foreach (var (item, path) in body.Items("tools", MostTools))
        {
            var function = Function(new JsonFields(item, path));
            var tool = Tool(function);
            if (!tools.TryAdd(tool.Name, tool)) throw function.Wrong("name", tool.Name, "another function is called that too, so rename one");
        }
        if (tools.Count > 0) options.Tools = [.. tools.Values];
        options.AllowMultipleToolCalls = body.Flag("parallel_tool_calls");
        options.ToolMode = Choice(body, tools);
    }

    /// <summary>The one thing inside a tool, a call or a choice: <c>{"type": "function", "function": {...}}</c>.</summary>
    public static JsonFields Function(JsonFields owner)
    {
        if (owner.Text("type") is { } type and not "function") throw owner.Wrong("type", type, "it must be function");
        var function = owner.RequiredObject("function");
        owner.RefuseRest();
        return function;
    }

    private static DeclaredFunction Tool(JsonFields function)
    {
        var name = function.RequiredText("name");
        if (name.Length is 0 or > LongestName || name.AsSpan().ContainsAnyExcept(s_nameCharacters))
            throw function.Wrong("name", name, $"it must be 1 to {LongestName} of the characters a-z, A-Z, 0-9, '_', '-' and '.'");
        var parameters = function.Any("parameters") ?? s_noParameters;
        if (parameters.ValueKind != JsonValueKind.Object) throw JsonFields.Wrong(function.PathOf("parameters"), parameters, "a JSON schema, which is an object");
        var tool = new DeclaredFunction(name, function.Text("description") ?? "", parameters, function.Flag("strict") ?? false);
        function.RefuseRest();
        return tool;
    }

    private static ChatToolMode? Choice(JsonFields body, Dictionary<string, AITool> tools)
    {
        if (body.Any("tool_choice") is not { } choice) return null;
        if (choice.ValueKind == JsonValueKind.Object) return ChatToolMode.RequireSpecific(Chosen(new JsonFields(choice, "tool_choice"), tools));
        return (choice.ValueKind == JsonValueKind.String ? choice.GetString() : null) switch
        {
            "auto" => ChatToolMode.Auto,
            "none" => ChatToolMode.None,
            "required" when tools.Count > 0 => ChatToolMode.RequireAny,
            "required" => throw ApiException.Bad("tool_choice is \"required\", but there are no tools. Add some.", "tool_choice", "invalid_value"),
            _ => throw JsonFields.Wrong("tool_choice", choice, "\"none\", \"auto\", \"required\" or {\"type\": \"function\", \"function\": {\"name\": ...}}"),
        };
    }

    private static string Chosen(JsonFields choice, Dictionary<string, AITool> tools)
    {
        var function = Function(choice);
        var name = function.RequiredText("name");
        function.RefuseRest();
        return tools.ContainsKey(name) ? name : throw function.Wrong("name", name, "no tool is called that, so add it to tools");
    }

    /// <summary>A function that the other side runs.</summary>
    private sealed class DeclaredFunction(string name, string description, JsonElement parameters, bool strict) : AIFunctionDeclaration
    {
        public override string Name => name;

        public override string Description => description;

        public override JsonElement JsonSchema => parameters;

        public override IReadOnlyDictionary<string, object?> AdditionalProperties { get; } = strict ? new AdditionalPropertiesDictionary { ["strict"] = true } : [];
    }
}
