using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>POST /v1/completions</c>: continues a text without any prompt format.</summary>
internal sealed class TextCompletions(ServedModel model, ServerOptions options)
{
    private readonly Qwen3NextChatClient _client = model.Chat.GetRequiredService<Qwen3NextChatClient>();

    public async Task HandleAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context);
        model.CheckName(body.Text("model"));
        var request = TextRequest.Read(body, model.Engine);
        var updates = _client.ContinueAsync(request.Prompt, request.Options, context.RequestAborted);
        if (request.Streams)
        {
            await EventStream.SendAsync(context, Pieces(updates, request.IncludesUsage), AnswerJson.Types.TextCompletion, options.KeepAlive);
            return;
        }
        var response = await updates.ToChatResponseAsync(context.RequestAborted);
        var choice = new TextChoice(response.Text) { FinishReason = response.FinishReason?.Value, Logprobs = Logprobs(response.Messages[^1].AdditionalProperties) };
        var whole = new TextCompletion(response.ResponseId!, response.CreatedAt!.Value.ToUnixTimeSeconds(), response.ModelId!, [choice])
        {
            Usage = Usage.Of(response.Usage),
            Timings = Timings.Of(response.Messages[^1].AdditionalProperties),
        };
        await context.Response.WriteAsJsonAsync(whole, AnswerJson.Types.TextCompletion, cancellationToken: context.RequestAborted);
    }

    private static async IAsyncEnumerable<TextCompletion> Pieces(IAsyncEnumerable<ChatResponseUpdate> updates, bool includesUsage)
    {
        await foreach (var update in updates)
        {
            var choice = new TextChoice(update.Text) { FinishReason = update.FinishReason?.Value, Logprobs = Logprobs(update.AdditionalProperties) };
            yield return Piece(update, choice) with { Timings = Timings.Of(update.AdditionalProperties) };
            if (includesUsage && update.Contents.OfType<UsageContent>().FirstOrDefault() is { } usage) yield return Piece(update) with { Usage = Usage.Of(usage.Details) };
        }
    }

    private static TextCompletion Piece(ChatResponseUpdate update, params IReadOnlyList<TextChoice> choices) =>
        new(update.ResponseId!, update.CreatedAt!.Value.ToUnixTimeSeconds(), update.ModelId!, choices);

    /// <summary>The same numbers as a chat's, in the older form.</summary>
    private static TextLogProbabilities? Logprobs(AdditionalPropertiesDictionary? properties)
    {
        if (properties is null || !properties.TryGetValue("logprobs", out JsonElement entries)) return null;
        var (tokens, values, tops, offsets, offset) = (new List<string>(), new List<double?>(), new List<IReadOnlyDictionary<string, double?>>(), new List<int>(), 0);
        foreach (var entry in entries.EnumerateArray())
        {
            tokens.Add(entry.GetProperty("token").GetString()!);
            values.Add(Value(entry));
            var top = new Dictionary<string, double?>();
            foreach (var other in entry.GetProperty("top_logprobs").EnumerateArray()) top.TryAdd(other.GetProperty("token").GetString()!, Value(other));
            tops.Add(top);
            offsets.Add(offset);
            offset += tokens[^1].Length;
        }
        return new TextLogProbabilities(tokens, values, tops, offsets);
    }

    private static double? Value(JsonElement entry) => entry.GetProperty("logprob") is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;
}
