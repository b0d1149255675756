using System.Text.Json;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Conversations as the exact prompt text the models were trained on.</summary>
internal static class ChatTemplate
{
    public static PromptText Render(
        Qwen3NextFormat format, IReadOnlyList<TemplateMessage> messages, IReadOnlyList<JsonElement> tools, bool enableThinking = true, bool addGenerationPrompt = true)
    {
        if (messages.Count == 0) throw new ArgumentException("The conversation has no messages. Add at least one.", nameof(messages));
        foreach (var message in messages) RequireRenderable(format, message);

        var prompt = new PromptBuilder();
        WriteSystem(prompt, format, messages[0], tools);
        var writer = new TurnWriter(prompt, format, messages);
        for (var i = messages[0].Role == "system" ? 1 : 0; i < messages.Count; i++) writer.Write(i);
        if (addGenerationPrompt) prompt.Markup("<|im_start|>assistant\n").Markup(Opening(format, enableThinking));
        return prompt.Build();
    }

    // What the template writes in the model's place at the start of its answer.
    private static string Opening(Qwen3NextFormat format, bool enableThinking) => format switch
    {
        Qwen3NextFormat.Thinking => "<think>\n",
        Qwen3NextFormat.Hybrid when !enableThinking => "<think>\n\n</think>\n\n",
        _ => "",
    };

    private static void WriteSystem(PromptBuilder prompt, Qwen3NextFormat format, TemplateMessage first, IReadOnlyList<JsonElement> tools)
    {
        var system = first.Role == "system" ? first.Content ?? "" : null;
        if (system is null && tools.Count == 0) return;
        prompt.Markup("<|im_start|>system\n").Literal(system);
        if (tools.Count > 0)
        {
            if (format == Qwen3NextFormat.Coder)
            {
                if (system is null) prompt.Markup(CoderToolPrompt.DefaultSystem);
                CoderToolPrompt.Write(prompt, tools);
            }
            else
            {
                if (system is not null) prompt.Markup("\n\n");
                ToolPrompt.Write(prompt, tools);
            }
        }
        prompt.Markup("<|im_end|>\n");
    }

    private static void RequireRenderable(Qwen3NextFormat format, TemplateMessage message)
    {
        if (message.Role is not ("system" or "user" or "assistant" or "tool"))
        {
            throw new ArgumentException($"A message has the role '{message.Role}', expected system, user, assistant or tool.");
        }
        if (message.Content is null && format == Qwen3NextFormat.Hybrid)
        {
            throw new ArgumentException($"A message of role '{message.Role}' has no content, which the hybrid template refuses. Give it an empty text.");
        }
        foreach (var call in message.ToolCalls)
        {
            if (call.Arguments.ValueKind != JsonValueKind.Object && format == Qwen3NextFormat.Coder)
            {
                throw new ArgumentException(
                    $"The arguments of a call of '{call.Name}' are a JSON {call.Arguments.ValueKind}; the Coder template takes an object only. Parse argument text before.");
            }
        }
    }
}
