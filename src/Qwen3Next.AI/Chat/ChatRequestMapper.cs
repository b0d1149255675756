using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Turns messages and options into a request: refuses what cannot be honoured, renders the template, tokenizes.</summary>
internal sealed class ChatRequestMapper(
    IChatClient client, Qwen3NextModelInfo model, Tokenizer tokenizer, GrammarCache grammars, Qwen3NextOptions behavior, ILogger logger)
{
    /// <summary>A conversation.</summary>
    public ChatRequest Map(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var settings = Settings(options);
        LogEffort(options?.Reasoning?.Effort);
        var tools = ToolDeclarations.From(options?.Tools, logger);
        var turns = new MessageMapper(behavior.UnsupportedContent, logger).Map(messages, options?.Instructions);
        var form = AnswerFormMapper.Map(options, settings, model.Format, tools);
        var prompt = ChatTemplate.Render(model.Format, turns, tools, settings.EnableThinking ?? true);
        var tokens = behavior.AllowSpecialTokensInMessages ? tokenizer.Encode(prompt.Text, parseSpecialTokens: true) : tokenizer.Encode(prompt);
        return Request(tokens, SharedPrefixes(tokens), form, form.ForbidsCalls ? [] : tools, settings, options);
    }

    /// <summary>A text that goes on as it is; formats are a matter of messages.</summary>
    public ChatRequest Map(ReadOnlyMemory<int> prompt, ChatOptions? options)
    {
        if (options?.Tools is { Count: > 0 } || options?.Instructions is not null)
            throw new NotSupportedException("ChatOptions.Tools or Instructions are set, but a text without messages has no place for them. Send messages.");
        var settings = Settings(options);
        return Request(prompt, null, AnswerFormMapper.Map(options, settings, Qwen3NextFormat.Instruct, []), [], settings, options);
    }

    private Qwen3NextGenerationOptions Settings(ChatOptions? options)
    {
        if (options is not null) ChatOptionsGuard.Check(options, model.ModelId);
        var raw = options?.RawRepresentationFactory?.Invoke(client) as Qwen3NextGenerationOptions;
        return GenerationSettings.Merge(options, raw, model.Defaults);
    }

    private ChatRequest Request(
        ReadOnlyMemory<int> prompt, int[]? sharedPrefixes, AnswerForm form, IReadOnlyList<JsonElement> tools, Qwen3NextGenerationOptions settings, ChatOptions? options) => new()
    {
        Generation = new GenerationRequest
        {
            Prompt = prompt,
            SharedPrefixes = sharedPrefixes,
            Sampling = GenerationSettings.Sampling(settings),
            MaxTokens = settings.MaxOutputTokens ?? model.MaxOutputTokens,
            TopLogProbabilities = LogProbabilities.Top(options),
            Grammar = form.IsFree && !(form.Thinks && settings.ThinkingBudget is not null) ? null
                : grammars.Get(form.Key, vocabulary => AnswerGrammar.Compile(form, vocabulary, logger)),
            ThinkingBudget = settings.ThinkingBudget,
        },
        Format = form.Format,
        Tools = tools,
        StopSequences = settings.StopSequences?.AsReadOnly() ?? [],
        ShowReasoning = options?.Reasoning?.Output is not ReasoningOutput.None,
        OneToolCallAtMost = options?.AllowMultipleToolCalls is false,
    };

    /// <summary>
    /// What other conversations begin with, which is the first message with the tools, and what the next turn of this one does: a template that drops
    /// thoughts from the history changes everything from the start of the answer on.
    /// </summary>
    private int[] SharedPrefixes(int[] prompt)
    {
        if (tokenizer.FindToken("<|im_start|>") is not { } start) return [];
        var messages = Enumerable.Range(1, Math.Max(0, prompt.Length - 1)).Where(i => prompt[i] == start).ToArray();
        return messages.Length > 1 ? [messages[0], messages[^1]] : messages;
    }

    // Efforts are best effort by contract. Only a hybrid model has a switch, and it has two positions.
    private void LogEffort(ReasoningEffort? effort)
    {
        if (effort is null || (model.Format == Qwen3NextFormat.Hybrid && effort == ReasoningEffort.None)) return;
        var reason = model.Format switch
        {
            Qwen3NextFormat.Thinking => "always thinks, as much as it needs",
            Qwen3NextFormat.Hybrid => "thinks as much as it needs",
            _ => "never thinks",
        };
        ChatLog.EffortWithoutEffect(logger, effort.Value.ToString(), model.Format.ToString(), reason);
    }
}
