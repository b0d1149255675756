using System.Text.Json;
using Qwen3Next.AI.Chat;

namespace Qwen3Next.AI;

/// <summary>A conversation as a model reads it; for looking at prompts and for comparison with other implementations.</summary>
/// <param name="Text">The exact prompt.</param>
/// <param name="Tokens">Its token ids. Control tokens come from the prompt format alone, never from the text of messages.</param>
public sealed record Qwen3NextPrompt(string Text, IReadOnlyList<int> Tokens)
{
    /// <summary>Renders messages in the JSON form of OpenAI's chat completions.</summary>
    /// <param name="request">An array of messages, or an object with <c>messages</c> and, all optional, <c>tools</c>, <c>add_generation_prompt</c>
    /// (default: true) and <c>enable_thinking</c> (default: true; heeded by hybrid models). Thinking of an assistant message is its <c>reasoning_content</c>.</param>
    /// <param name="engine">Gives prompt format and tokenizer; its weights are not loaded.</param>
    /// <exception cref="ArgumentException">The JSON is of another form, or the model's template refuses the conversation.</exception>
    /// <exception cref="CheckpointException">The tokenizer cannot be used.</exception>
    public static Qwen3NextPrompt FromOpenAI(JsonElement request, IQwen3NextEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        var conversation = OpenAIConversation.Read(request);
        var prompt = ChatTemplate.Render(engine.ModelInfo.Format, conversation.Messages, conversation.Tools, conversation.EnableThinking, conversation.AddGenerationPrompt);
        return new Qwen3NextPrompt(prompt.Text, engine.Tokenizer.Encode(prompt));
    }
}
