using System.Text.Json;
using System.Text.Json.Nodes;
using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>
/// Greedy completions of the tiny model's scoring prompts by this library, as JSON lines for score.py: proof that the scores in the model card
/// hold for the engine users run.
/// </summary>
internal static class CompletePrompts
{
    private const int MaxTokens = 320;

    /// <param name="prompts">Output of make_eval.py.</param>
    /// <param name="output">Receives id and text, a line each, and the counts of drafts last.</param>
    /// <param name="every">Takes each n-th prompt.</param>
    public static async Task RunAsync(string prompts, string output, int every)
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, DraftTokens = 1 });
        var lines = File.ReadLines(prompts).Where((_, i) => i % every == 0).ToArray();
        var answers = new string[lines.Length];
        int accepted = 0, rejected = 0;
        await Parallel.ForAsync(0, lines.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, cancel) =>
        {
            using var item = JsonDocument.Parse(lines[i]);
            var (text, statistics) = await CompleteAsync(engine, item.RootElement);
            Interlocked.Add(ref accepted, statistics.AcceptedDraftTokens);
            Interlocked.Add(ref rejected, statistics.RejectedDraftTokens);
            answers[i] = new JsonObject { ["id"] = item.RootElement.GetProperty("id").GetString(), ["text"] = text }.ToJsonString();
            if (i % 100 == 0) Console.Error.WriteLine($"{i} of {lines.Length}");
        });
        await File.WriteAllLinesAsync(output, [.. answers, new JsonObject { ["accepted"] = accepted, ["drafts"] = accepted + rejected }.ToJsonString()]);
    }

    private static async Task<(string Text, GenerationStatistics Statistics)> CompleteAsync(Qwen3NextEngine engine, JsonElement item)
    {
        var format = item.GetProperty("format").GetString() == "thinking" ? Qwen3NextFormat.Thinking : Qwen3NextFormat.Instruct;
        var messages = item.GetProperty("messages").EnumerateArray().Select(Message).ToArray();
        var tools = item.TryGetProperty("tools", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToArray() : [];
        var prompt = ChatTemplate.Render(format, messages, tools);
        if (prompt.Text != item.GetProperty("prompt").GetString()) throw new InvalidDataException($"{item.GetProperty("id")}: the template renders another prompt");
        var tokens = new List<int>();
        var last = default(GenerationStep);
        await foreach (var step in engine.GenerateAsync(new GenerationRequest { Prompt = engine.Tokenizer.Encode(prompt), MaxTokens = MaxTokens }))
        {
            tokens.AddRange(step.Tokens.Span);
            last = step;
        }
        return (engine.Tokenizer.Decode([.. tokens]) + (last.Finish == GenerationFinish.Stop ? "<|im_end|>" : ""), last.Statistics!);
    }

    private static TemplateMessage Message(JsonElement message) => new()
    {
        Role = message.GetProperty("role").GetString()!,
        Content = message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? content.GetString()! : "",
        Reasoning = message.TryGetProperty("reasoning_content", out var reasoning) ? reasoning.GetString() : null,
        ToolCalls = message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array
            ? [.. calls.EnumerateArray().Select(c => c.TryGetProperty("function", out var f) ? f : c)
                .Select(f => new TemplateToolCall(f.GetProperty("name").GetString()!, f.GetProperty("arguments")))]
            : [],
    };
}
