using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>A request for a chat completion, as the chat client takes it.</summary>
internal sealed record ChatRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions Options, bool Streams, bool IncludesUsage)
{
    /// <exception cref="ApiException">Something is missing, of another form, or not supported.</exception>
    public static ChatRequest Read(JsonFields body, int mostMessages)
    {
        var messages = MessageReader.Read(body, mostMessages);
        var settings = GenerationFields.Read(body);
        settings.MaxOutputTokens = Limit(body);
        ReadThinking(body, settings);
        var options = new ChatOptions { ResponseFormat = Format(body.Object("response_format")), Reasoning = Reasoning(body), RawRepresentationFactory = _ => settings };
        ToolReader.Read(body, options);
        var (wanted, top) = (body.Flag("logprobs"), GenerationFields.Top(body, "top_logprobs"));
        if (wanted ?? top is not null) GenerationFields.Want(options, top ?? 0);
        var (streams, includesUsage) = GenerationFields.Stream(body);
        GenerationFields.IgnoreHarmless(body);
        body.RefuseRest();
        return new ChatRequest(messages, options, streams, includesUsage);
    }

    // The newer name wins.
    private static int? Limit(JsonFields body)
    {
        var (older, newer) = (body.Whole("max_tokens", 1, int.MaxValue), body.Whole("max_completion_tokens", 1, int.MaxValue));
        return newer ?? older;
    }

    // Qwen's own service has the switch beside the messages, vLLM and SGLang have it among the template's arguments.
    private static void ReadThinking(JsonFields body, Qwen3NextGenerationOptions settings)
    {
        settings.ThinkingBudget = body.Whole("thinking_budget", 0, int.MaxValue);
        settings.EnableThinking = body.Flag("enable_thinking");
        if (body.Object("chat_template_kwargs") is not { } template) return;
        settings.EnableThinking = template.Flag("enable_thinking") ?? settings.EnableThinking;
        template.RefuseRest();
    }

    private static ReasoningOptions Reasoning(JsonFields body) => new()
    {
        Effort = body.Text("reasoning_effort") switch
        {
            null => null,
            "none" => ReasoningEffort.None,
            "minimal" or "low" => ReasoningEffort.Low,
            "medium" => ReasoningEffort.Medium,
            "high" => ReasoningEffort.High,
            "xhigh" => ReasoningEffort.ExtraHigh,
            var other => throw body.Wrong("reasoning_effort", other, "it must be none, minimal, low, medium, high or xhigh"),
        },
        Output = body.Flag("include_reasoning") is false ? ReasoningOutput.None : null,
    };

    private static ChatResponseFormat? Format(JsonFields? format)
    {
        if (format is null) return null;
        var type = format.RequiredText("type");
        ChatResponseFormat read = type switch
        {
            "text" => ChatResponseFormat.Text,
            "json_object" => ChatResponseFormat.Json,
            "json_schema" => Schema(format.RequiredObject("json_schema")),
            _ => throw format.Wrong("type", type, "it must be text, json_object or json_schema"),
        };
        format.RefuseRest();
        return read;
    }

    private static ChatResponseFormatJson Schema(JsonFields format)
    {
        var (name, description) = (format.Text("name"), format.Text("description"));
        var schema = format.Any("schema") ?? throw format.Missing("schema", "a JSON schema");
        if (schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True))
            throw JsonFields.Wrong(format.PathOf("schema"), schema, "a JSON schema, which is an object");
        format.Flag("strict"); // every schema is enforced, or refused
        format.RefuseRest();
        return ChatResponseFormat.ForJsonSchema(schema, name, description);
    }
}
