using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary>Writes the chat client's answers as chat completions.</summary>
internal static class ChatAnswers
{
    public static ChatCompletion Whole(ChatResponse response) =>
        new(response.ResponseId!, "chat.completion", response.CreatedAt!.Value.ToUnixTimeSeconds(), response.ModelId!, [new ChatChoice
        {
            Message = Answer(response.Messages.SelectMany(message => message.Contents), 0) with { Role = "assistant" },
            FinishReason = response.FinishReason?.Value,
            Logprobs = Logprobs(response.Messages[^1].AdditionalProperties),
        }])
        {
            Usage = Usage.Of(response.Usage),
            Timings = Timings.Of(response.Messages[^1].AdditionalProperties),
        };

    /// <summary>One piece for each update; before them the role, after them, where it is wanted, the usage.</summary>
    public static async IAsyncEnumerable<ChatCompletion> Pieces(IAsyncEnumerable<ChatResponseUpdate> updates, bool includesUsage)
    {
        var (begun, calls) = (false, 0);
        await foreach (var update in updates)
        {
            if (!begun) yield return Piece(update, new ChatChoice { Delta = new ChatAnswer { Role = "assistant", Content = "" } });
            begun = true;
            var answer = Answer(update.Contents, calls);
            calls += answer.ToolCalls?.Count ?? 0;
            yield return Piece(update, new ChatChoice { Delta = answer, FinishReason = update.FinishReason?.Value, Logprobs = Logprobs(update.AdditionalProperties) }) with
            {
                Timings = Timings.Of(update.AdditionalProperties),
            };
            if (includesUsage && update.Contents.OfType<UsageContent>().FirstOrDefault() is { } usage) yield return Piece(update) with { Usage = Usage.Of(usage.Details) };
        }
    }

    private static ChatCompletion Piece(ChatResponseUpdate update, params IReadOnlyList<ChatChoice> choices) =>
        new(update.ResponseId!, "chat.completion.chunk", update.CreatedAt!.Value.ToUnixTimeSeconds(), update.ModelId!, choices);

    /// <param name="firstCall">How many calls the answer has had before these contents.</param>
    private static ChatAnswer Answer(IEnumerable<AIContent> contents, int firstCall)
    {
        var (thoughts, text, calls) = ("", "", new List<ToolCall>());
        foreach (var content in contents)
        {
            switch (content)
            {
                case TextReasoningContent part: thoughts += part.Text; break;
                case TextContent part: text += part.Text; break;
                case FunctionCallContent call: calls.Add(new ToolCall(firstCall + calls.Count, call.CallId, new CalledFunction(call.Name, Arguments(call)))); break;
                default: break; // usage has its own place; a call that is cut off is nothing that could be run
            }
        }
        return new ChatAnswer
        {
            Content = text.Length > 0 ? text : null,
            ReasoningContent = thoughts.Length > 0 ? thoughts : null,
            ToolCalls = calls.Count > 0 ? calls : null,
        };
    }

    private static string Arguments(FunctionCallContent call)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, AnswerJson.Writer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in call.Arguments ?? new Dictionary<string, object?>())
            {
                json.WritePropertyName(name);
                ((JsonElement)value!).WriteTo(json); // the chat client parsed them
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static ChatLogProbabilities? Logprobs(AdditionalPropertiesDictionary? properties) =>
        properties is not null && properties.TryGetValue("logprobs", out JsonElement tokens) ? new ChatLogProbabilities(tokens) : null;
}
