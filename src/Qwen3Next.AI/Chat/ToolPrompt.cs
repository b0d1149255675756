using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>The part of a system turn that tells an Instruct, Thinking or hybrid model of its tools.</summary>
internal static class ToolPrompt
{
    private const string Opening =
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        + "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";

    private const string Closing =
        "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n"
        + "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";

    public static void Write(PromptBuilder prompt, IReadOnlyList<JsonElement> tools)
    {
        prompt.Markup(Opening);
        foreach (var tool in tools) prompt.Markup("\n").Literal(PythonJson.Write(tool));
        prompt.Markup(Closing);
    }
}
