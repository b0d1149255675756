using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>Reads from a request what its answer may consist of.</summary>
internal static class AnswerFormMapper
{
    /// <exception cref="ArgumentException">The request demands a call and offers no such tool, or demands two forms at once.</exception>
    public static AnswerForm Map(ChatOptions? options, Qwen3NextGenerationOptions settings, Qwen3NextFormat format, IReadOnlyList<JsonElement> tools)
    {
        var json = options?.ResponseFormat as ChatResponseFormatJson;
        var required = options?.ToolMode as RequiredChatToolMode;
        var forbidden = options?.ToolMode is NoneChatToolMode;
        if (settings.Pattern is not null && (json is not null || (tools.Count > 0 && !forbidden)))
            throw new ArgumentException("Pattern is set together with a JSON response format or tools; an answer has one form. Leave one of them.", nameof(options));
        return new AnswerForm
        {
            Format = format,
            Thinks = format == Qwen3NextFormat.Thinking || (format == Qwen3NextFormat.Hybrid && settings.EnableThinking is not false),
            IsJson = json is not null,
            Schema = json?.Schema,
            Pattern = settings.Pattern,
            Tools = forbidden ? [] : required is null ? tools : Demanded(required, tools),
            ForbidsCalls = forbidden && tools.Count > 0,
            StrictTools = options?.Tools?.Where(IsStrict).Select(tool => tool.Name).ToHashSet() ?? [],
            RequiresCall = required is not null,
            // One function is asked for by name to be called once.
            OneCallAtMost = options?.AllowMultipleToolCalls is false || (required?.RequiredFunctionName is not null && options?.AllowMultipleToolCalls is not true),
        };
    }

    private static List<JsonElement> Demanded(RequiredChatToolMode required, IReadOnlyList<JsonElement> tools)
    {
        var demanded = tools.Where(tool => required.RequiredFunctionName is null || AnswerForm.NameOf(tool) == required.RequiredFunctionName).ToList();
        if (demanded.Count > 0) return demanded;
        var what = required.RequiredFunctionName is { } name ? $"a call of '{name}'" : "a call";
        throw new ArgumentException($"ChatOptions.ToolMode requires {what}, but the functions offered are: {string.Join(", ", tools.Select(AnswerForm.NameOf).DefaultIfEmpty("none"))}. Add the function to Tools.", nameof(required));
    }

    private static bool IsStrict(AITool tool) => tool.AdditionalProperties.TryGetValue("strict", out var value) && value is true or JsonElement { ValueKind: JsonValueKind.True };
}
