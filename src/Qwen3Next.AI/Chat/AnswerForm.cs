using System.Text.Json;

namespace Qwen3Next.AI.Chat;

/// <summary>What an answer may consist of.</summary>
internal sealed record AnswerForm
{
    public required Qwen3NextFormat Format { get; init; }

    /// <summary>The prompt does not end the thinking for the model.</summary>
    public required bool Thinks { get; init; }

    /// <summary>The answer is JSON: an object, or what <see cref="Schema"/> says.</summary>
    public bool IsJson { get; init; }

    public JsonElement? Schema { get; init; }

    /// <summary>An expression that the answer as a whole matches.</summary>
    public string? Pattern { get; init; }

    /// <summary>Function objects that may be called.</summary>
    public IReadOnlyList<JsonElement> Tools { get; init; } = [];

    /// <summary>Names of those whose parameters must be enforced or refused.</summary>
    public IReadOnlySet<string> StrictTools { get; init; } = new HashSet<string>();

    /// <summary>Tools are shown to the model, and none may be called.</summary>
    public bool ForbidsCalls { get; init; }

    /// <summary>The answer must be calls.</summary>
    public bool RequiresCall { get; init; }

    public bool OneCallAtMost { get; init; }

    /// <summary>Nothing but what the tokenizer can write is demanded.</summary>
    public bool IsFree => !IsJson && Pattern is null && Tools.Count == 0 && !ForbidsCalls;

    /// <summary>Equal for equal forms.</summary>
    public string Key => string.Join('\n', Format, Thinks, IsJson, Schema?.GetRawText(), Pattern, ForbidsCalls, RequiresCall, OneCallAtMost, 
        string.Join('\n', Tools.Select(tool => tool.GetRawText())), string.Join('\n', StrictTools));

    public static string NameOf(JsonElement tool) => tool.GetProperty("function").GetProperty("name").GetString()!;
}
