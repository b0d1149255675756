using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>The part of a system turn that tells a Coder model of its tools.</summary>
internal static class CoderToolPrompt
{
    public const string DefaultSystem = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.";

    private const string Opening = "\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>";

    private const string Closing = """

        </tools>

        If you choose to call a function ONLY reply in the following format with NO suffix:

        <tool_call>
        <function=example_function_name>
        <parameter=example_parameter_1>
        value_1
        </parameter>
        <parameter=example_parameter_2>
        This is the value for the second parameter
        that can span
        multiple lines
        </parameter>
        </function>
        </tool_call>

        <IMPORTANT>
        Reminder:
        - Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within <tool_call></tool_call> XML tags
        - Required parameters MUST be specified
        - You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after
        - If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls
        </IMPORTANT>
        """;

    private static readonly string[] s_ownFunctionKeys = ["type", "name", "description", "parameters"];
    private static readonly string[] s_ownSchemaKeys = ["type", "properties"];
    private static readonly string[] s_ownParameterKeys = ["name", "type", "description"];

    public static void Write(PromptBuilder prompt, IReadOnlyList<JsonElement> tools)
    {
        prompt.Markup(Opening);
        foreach (var tool in tools) WriteFunction(prompt, tool.TryGetProperty("function", out var function) ? function : tool);
        prompt.Markup(Closing);
    }

    /// <summary>A value in an XML element: a string as it is, anything else as JSON.</summary>
    public static string ValueText(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : PythonJson.Write(value);

    private static void WriteFunction(PromptBuilder prompt, JsonElement function)
    {
        prompt.Markup("\n<function>");
        Write(prompt, "name", ValueText(function.GetProperty("name")));
        if (function.TryGetProperty("description", out var description)) Write(prompt, "description", ValueText(description).Trim());
        prompt.Markup("\n<parameters>");
        if (function.TryGetProperty("parameters", out var schema) && schema.ValueKind == JsonValueKind.Object)
        {
            WriteParameters(prompt, schema);
            WriteOtherKeys(prompt, schema, s_ownSchemaKeys);
        }
        prompt.Markup("\n</parameters>");
        WriteOtherKeys(prompt, function, s_ownFunctionKeys);
        prompt.Markup("\n</function>");
    }

    private static void WriteParameters(PromptBuilder prompt, JsonElement schema)
    {
        if (!schema.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object) return;
        foreach (var property in properties.EnumerateObject())
        {
            prompt.Markup("\n<parameter>");
            Write(prompt, "name", property.Name);
            if (property.Value.ValueKind == JsonValueKind.Object)
            {
                if (property.Value.TryGetProperty("type", out var type)) Write(prompt, "type", TypeText(type));
                if (property.Value.TryGetProperty("description", out var description)) Write(prompt, "description", ValueText(description).Trim());
                WriteOtherKeys(prompt, property.Value, s_ownParameterKeys);
            }
            prompt.Markup("\n</parameter>");
        }
    }

    // The template converts the type to a string, not to JSON, so a list of types has Python's quotes.
    private static string TypeText(JsonElement type) => type.ValueKind == JsonValueKind.Array
        ? $"[{string.Join(", ", type.EnumerateArray().Select(item => $"'{ValueText(item)}'"))}]"
        : ValueText(type);

    private static void WriteOtherKeys(PromptBuilder prompt, JsonElement element, string[] own)
    {
        foreach (var member in element.EnumerateObject())
        {
            if (!own.Contains(member.Name)) Write(prompt, member.Name, ValueText(member.Value));
        }
    }

    private static void Write(PromptBuilder prompt, string name, string value) =>
        prompt.Markup("\n<").Literal(name).Markup(">").Literal(value).Markup("</").Literal(name).Markup(">");
}
