using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>Writes the turns of one conversation.</summary>
internal sealed class TurnWriter
{
    private readonly PromptBuilder _prompt;
    private readonly Qwen3NextFormat _format;
    private readonly IReadOnlyList<TemplateMessage> _messages;
    private readonly int _lastQuery;

    public TurnWriter(PromptBuilder prompt, Qwen3NextFormat format, IReadOnlyList<TemplateMessage> messages)
    {
        _prompt = prompt;
        _format = format;
        _messages = messages;
        _lastQuery = LastQuery(messages);
    }

    private bool KnowsThinking => _format is Qwen3NextFormat.Thinking or Qwen3NextFormat.Hybrid;

    public void Write(int index)
    {
        var message = _messages[index];
        switch (message.Role)
        {
            case "assistant" when _format == Qwen3NextFormat.Coder && message.ToolCalls.Count > 0:
                WriteCoderCalls(message);
                break;
            case "assistant":
                WriteAssistant(index);
                break;
            case "tool":
                WriteToolResult(index);
                break;
            default:
                _prompt.Markup($"<|im_start|>{message.Role}\n").Literal(message.Content).Markup("<|im_end|>\n");
                break;
        }
    }

    // Thinking that came before the last question is left out; within the current tool loop it is kept.
    private void WriteAssistant(int index)
    {
        var message = _messages[index];
        var (reasoning, content) = KnowsThinking ? SplitReasoning(message) : ("", message.Content ?? "");
        _prompt.Markup("<|im_start|>assistant\n");
        if (KnowsThinking && index > _lastQuery && (index == _messages.Count - 1 || reasoning.Length > 0))
        {
            content = content.TrimStart('\n');
            _prompt.Markup("<think>\n").Literal(reasoning.Trim('\n')).Markup("\n</think>\n\n");
        }
        _prompt.Literal(content);
        for (var i = 0; i < message.ToolCalls.Count; i++)
        {
            var call = message.ToolCalls[i];
            _prompt.Markup(i > 0 || content.Length > 0 ? "\n<tool_call>\n{\"name\": \"" : "<tool_call>\n{\"name\": \"").Literal(call.Name);
            _prompt.Markup("\", \"arguments\": ").Literal(ArgumentText(call.Arguments)).Markup("}\n</tool_call>");
        }
        _prompt.Markup("<|im_end|>\n");
    }

    private void WriteCoderCalls(TemplateMessage message)
    {
        _prompt.Markup("<|im_start|>assistant");
        var content = (message.Content ?? "").Trim();
        if (content.Length > 0) _prompt.Markup("\n").Literal(content).Markup("\n");
        foreach (var call in message.ToolCalls)
        {
            _prompt.Markup("\n<tool_call>\n<function=").Literal(call.Name).Markup(">\n");
            foreach (var argument in call.Arguments.EnumerateObject())
            {
                _prompt.Markup("<parameter=").Literal(argument.Name).Markup(">\n");
                _prompt.Literal(CoderToolPrompt.ValueText(argument.Value)).Markup("\n</parameter>\n");
            }
            _prompt.Markup("</function>\n</tool_call>");
        }
        _prompt.Markup("<|im_end|>\n");
    }

    // Results in a row share one user turn.
    private void WriteToolResult(int index)
    {
        // The Coder template looks at the message before and opens no turn where there is none.
        var opens = index == 0 ? _format != Qwen3NextFormat.Coder : _messages[index - 1].Role != "tool";
        if (opens) _prompt.Markup("<|im_start|>user");
        _prompt.Markup("\n<tool_response>\n").Literal(_messages[index].Content).Markup("\n</tool_response>");
        if (index == _messages.Count - 1 || _messages[index + 1].Role != "tool") _prompt.Markup("<|im_end|>\n");
    }

    private static string ArgumentText(JsonElement arguments) =>
        arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : PythonJson.Write(arguments);

    private static (string Reasoning, string Content) SplitReasoning(TemplateMessage message)
    {
        var content = message.Content ?? "";
        if (message.Reasoning is not null) return (message.Reasoning, content);
        var end = content.IndexOf("</think>", StringComparison.Ordinal);
        if (end < 0) return ("", content);
        var before = content[..end].TrimEnd('\n');
        var start = before.LastIndexOf("<think>", StringComparison.Ordinal);
        var reasoning = start < 0 ? before : before[(start + "<think>".Length)..];
        var rest = content[(content.LastIndexOf("</think>", StringComparison.Ordinal) + "</think>".Length)..];
        return (reasoning.TrimStart('\n'), rest.TrimStart('\n'));
    }

    // The last user message that is a question and not a tool's answer in a user's turn.
    private static int LastQuery(IReadOnlyList<TemplateMessage> messages)
    {
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            var isAnswer = messages[i].Content is { } content
                && content.StartsWith("<tool_response>", StringComparison.Ordinal) && content.EndsWith("</tool_response>", StringComparison.Ordinal);
            if (messages[i].Role == "user" && messages[i].Content is not null && !isAnswer) return i;
        }
        return messages.Count - 1;
    }
}
