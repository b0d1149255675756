using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Endpoint;

/// <summary>Turns the pieces of a streamed answer into updates of the same form, and in the same order, as a model in this process gives them.</summary>
internal sealed class AnswerReader(string model, bool showReasoning, bool oneCallAtMost, ILogger logger)
{
    private readonly TextGate _reasoning = new(OutputKind.Reasoning) { DropsLeadingSpace = true };
    private readonly List<OutputEvent> _events = [];
    private readonly List<JsonElement> _logProbabilities = [];
    private readonly StringBuilder _hiddenReasoning = new();
    private readonly SortedDictionary<int, PartialCall> _calls = [];
    private readonly string _messageId = $"msg_{Guid.NewGuid():N}";
    private string? _responseId;
    private string _model = model;
    private DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private bool _dropsNewlines;
    private string? _finish;
    private UsageDetails? _usage;

    /// <summary>Reads a piece; null when nothing of it can be shown yet.</summary>
    public ChatResponseUpdate? Add(JsonElement piece)
    {
        _responseId ??= Text(piece, "id");
        _model = Text(piece, "model") ?? _model;
        if (piece.TryGetProperty("created", out var created) && created.TryGetInt64(out var seconds)) _createdAt = DateTimeOffset.FromUnixTimeSeconds(seconds);
        if (Object(piece, "usage") is { } usage) _usage = UsageReader.Read(usage);
        if (!piece.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() == 0) return null;
        var choice = choices[0];
        _finish = Text(choice, "finish_reason") ?? _finish;
        if (Object(choice, "logprobs") is { } probabilities && probabilities.TryGetProperty("content", out var tokens) && tokens.ValueKind == JsonValueKind.Array)
            _logProbabilities.AddRange(tokens.EnumerateArray());
        return Object(choice, "delta") is { } delta ? Read(delta) : null;
    }

    /// <summary>All calls at once, then the last update with usage and finish reason.</summary>
    /// <exception cref="Qwen3NextException">The answer has no end.</exception>
    public IEnumerable<ChatResponseUpdate> Complete()
    {
        if (_finish is null) throw new Qwen3NextException("The endpoint ended its answer without saying why; it may have been stopped. Send the request again.");
        List<AIContent> calls = [.. _calls.Values.Take(oneCallAtMost ? 1 : int.MaxValue).Select(ToContent)];
        var hasCalls = calls.Exists(call => call is FunctionCallContent);
        if (hasCalls && _hiddenReasoning.Length > 0) yield return Update([HiddenReasoning.Hide(_hiddenReasoning.ToString())]);
        if (calls.Count > 0) yield return Update(calls);
        var last = Update(_usage is null ? [] : [new UsageContent(_usage)]);
        last.FinishReason = hasCalls ? ChatFinishReason.ToolCalls : _finish switch
        {
            "length" => ChatFinishReason.Length,
            "content_filter" => ChatFinishReason.ContentFilter,
            _ => ChatFinishReason.Stop,
        };
        if (_logProbabilities.Count > 0) last.AdditionalProperties = new() { [LogProbabilities.Key] = JsonElement.Parse($"[{string.Join(',', _logProbabilities)}]") };
        yield return last;
    }

    private ChatResponseUpdate? Read(JsonElement delta)
    {
        var contents = new List<AIContent>(2);
        if ((Text(delta, "reasoning_content") ?? Text(delta, "reasoning")) is { Length: > 0 } thought) AddReasoning(thought, contents);
        if (Text(delta, "content") is { Length: > 0 } text) AddText(text, contents);
        if (delta.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
            foreach (var call in calls.EnumerateArray()) AddCall(call);
        return contents.Count > 0 ? Update(contents) : null;
    }

    private void AddReasoning(string text, List<AIContent> contents)
    {
        _dropsNewlines = true;
        _events.Clear();
        _reasoning.Append(text, _events);
        foreach (var part in _events)
        {
            if (showReasoning) contents.Add(new TextReasoningContent(part.Text));
            else _hiddenReasoning.Append(part.Text);
        }
    }

    // Servers leave the empty lines in that stand between thinking and answer.
    private void AddText(string text, List<AIContent> contents)
    {
        if (_dropsNewlines) text = text.TrimStart('\r', '\n');
        if (text.Length == 0) return;
        _dropsNewlines = false;
        contents.Add(new TextContent(text));
    }

    private void AddCall(JsonElement call)
    {
        var index = call.TryGetProperty("index", out var number) && number.TryGetInt32(out var value) ? value : _calls.Count;
        if (!_calls.TryGetValue(index, out var partial)) _calls[index] = partial = new PartialCall();
        if (Object(call, "function") is not { } function) return;
        if (Text(function, "name") is { Length: > 0 } name) partial.Name = name;
        partial.Arguments.Append(Text(function, "arguments"));
    }

    private AIContent ToContent(PartialCall call)
    {
        // Servers repeat ids in different answers.
        if (call is { Name: { } name, Read: { } arguments }) return new FunctionCallContent($"call_{Guid.NewGuid():N}", name, arguments) { RawRepresentation = call.Arguments.ToString() };
        ChatLog.InvalidToolCall(logger, call.Arguments.Length);
        return new ErrorContent("The model wrote a tool call that is cut off or not valid; it is not executed.") { ErrorCode = "InvalidToolCall", Details = $"{call.Name}: {call.Arguments}" };
    }

    private ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _responseId ??= $"resp_{Guid.NewGuid():N}",
        MessageId = _messageId,
        ModelId = _model,
        CreatedAt = _createdAt,
    };

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonElement? Object(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    /// <summary>A call whose name and arguments arrive in pieces.</summary>
    private sealed class PartialCall
    {
        public string? Name { get; set; }

        public StringBuilder Arguments { get; } = new();

        /// <summary>The arguments, or null where they are no JSON object: cut off, or not valid.</summary>
        public Dictionary<string, object?>? Read
        {
            get
            {
                if (Arguments.Length == 0) return [];
                try
                {
                    var json = JsonElement.Parse(Arguments.ToString());
                    return json.ValueKind == JsonValueKind.Object ? json.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value, StringComparer.Ordinal) : null;
                }
                catch (Exception e) when (e is JsonException or ArgumentException) // or a name twice
                {
                    return null;
                }
            }
        }
    }
}
