using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>generate</c>: continues a text or token sequence, without any prompt format.</summary>
internal sealed class GenerateCommand
{
    private const int DefaultTokens = 128;

    private readonly Option<string?> _prompt = CliOption.Text("--prompt", "Text to continue. Texts of control tokens, such as <|im_start|>, become those tokens.");
    private readonly Option<int[]?> _tokens = CliOption.Tokens("--tokens", "Token ids to continue, instead of --prompt.");
    private readonly Option<int?> _maxTokens = CliOption.Number("--max-tokens", $"Most tokens to generate. Default: {DefaultTokens}.", 1, 1 << 20);
    private readonly Option<float?> _temperature = CliOption.Number("--temperature", "Default: 0, always the most likely token. Above 0, tokens are drawn.", 0f, 100f);
    private readonly Option<int?> _topK = CliOption.Number("--top-k", "Draw from this many most likely tokens. Default: 0, from all.", 0, int.MaxValue);
    private readonly Option<float?> _topP = CliOption.Number("--top-p", "Draw from the most likely tokens that together have this probability. Default: 1, from all.", 0.0001f, 1f);
    private readonly Option<long?> _seed = CliOption.Number("--seed", "Seed of the draws. Default: a fresh one.", long.MinValue, long.MaxValue);
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Go on after tokens that end an answer." };
    private readonly Option<string> _format = CliOption.Choice("--format", "text streams, without control characters; json is exact, with counts and times.", "text", "json");
    private readonly ModelOptions _model;
    private readonly Terminal _terminal;

    private GenerateCommand(Command command, Terminal terminal)
    {
        _terminal = terminal;
        foreach (var option in new Option[] { _prompt, _tokens, _maxTokens, _temperature, _topK, _topP, _seed, _ignoreEos, _format }) command.Add(option);
        _model = new ModelOptions(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_prompt) is null == result.GetResult(_tokens) is null) result.AddError("Give either --prompt or --tokens.");
        });
        command.SetAction(RunAsync);
    }

    public static Command Create(Terminal terminal)
    {
        var command = new Command("generate", "Continues a text or a token sequence, without a prompt format.");
        _ = new GenerateCommand(command, terminal);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var json = parsed.GetValue(_format) == "json";
        await using var engine = new Qwen3NextEngine(_model.Read(parsed));
        var tokenizer = TokenizerFor(engine, required: !json || parsed.GetValue(_prompt) is not null);
        var request = new GenerationRequest
        {
            Prompt = parsed.GetValue(_prompt) is { } text ? Encode(tokenizer!, text) : parsed.GetRequiredValue(_tokens)!.CheckedFor(engine.ModelInfo),
            MaxTokens = parsed.GetValue(_maxTokens) ?? DefaultTokens,
            Sampling = new SamplingParameters
            {
                Temperature = parsed.GetValue(_temperature) ?? 0,
                TopK = parsed.GetValue(_topK) ?? 0,
                TopP = parsed.GetValue(_topP) ?? 1,
                Seed = parsed.GetValue(_seed),
            },
            StopTokens = parsed.GetValue(_ignoreEos) ? [] : null,
        };
        var started = Stopwatch.GetTimestamp();
        await Progress.LoadAsync(_terminal, engine, cancellationToken);
        var loaded = Stopwatch.GetElapsedTime(started);

        var stream = json ? null : new TextStream(_terminal, tokenizer!);
        var (tokens, last) = await CollectAsync(engine, request, stream, cancellationToken);
        stream?.End();
        if (json) _terminal.Out.WriteLine(JsonText.Object(writer => Write(writer, tokens, tokenizer?.Decode(tokens.ToArray()), last, loaded)));
        return 0;
    }

    private async Task<(List<int> Tokens, GenerationStep Last)> CollectAsync(
        IQwen3NextEngine engine, GenerationRequest request, TextStream? stream, CancellationToken cancellationToken)
    {
        var tokens = new List<int>();
        GenerationStep last = default;
        await using var steps = engine.GenerateAsync(request, cancellationToken).GetAsyncEnumerator(CancellationToken.None);
        var more = await Progress.ShowAsync(_terminal, $"Reading {request.Prompt.Length} tokens", _ => steps.MoveNextAsync().AsTask());
        for (; more; more = await steps.MoveNextAsync())
        {
            last = steps.Current;
            tokens.AddRange(last.Tokens.Span);
            stream?.Append(last.Tokens.Span);
        }
        return (tokens, last);
    }

    private static int[] Encode(Tokenizer tokenizer, string prompt) =>
        prompt.Length > 0 ? tokenizer.Encode(prompt, parseSpecialTokens: true) : throw new UsageException("--prompt is empty; give at least one character.");

    /// <summary>Token ids in and JSON out need no tokenizer; its absence then costs the text alone.</summary>
    private Tokenizer? TokenizerFor(Qwen3NextEngine engine, bool required)
    {
        try
        {
            return engine.Tokenizer;
        }
        catch (CheckpointException e) when (!required)
        {
            _terminal.Error.WriteLine($"note: the text is left out. {e.Message}");
            return null;
        }
    }

    private static void Write(Utf8JsonWriter json, List<int> tokens, string? text, GenerationStep last, TimeSpan loaded)
    {
        var statistics = last.Statistics!;
        json.WriteTokens("tokens", tokens);
        json.WriteString("text", text);
        json.WriteString("finish_reason", last.Finish == GenerationFinish.Stop ? "stop" : "length");
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", statistics.PromptTokens);
        json.WriteNumber("cached_prompt_tokens", statistics.CachedPromptTokens);
        json.WriteNumber("completion_tokens", statistics.OutputTokens);
        json.WriteNumber("total_tokens", statistics.PromptTokens + statistics.OutputTokens);
        json.WriteEndObject();
        json.WriteStartObject("timings");
        json.WriteMeasured("load_ms", loaded.TotalMilliseconds);
        json.WriteMeasured("queue_ms", statistics.QueueTime.TotalMilliseconds);
        json.WriteMeasured("prefill_ms", statistics.PrefillTime.TotalMilliseconds);
        json.WriteMeasured("decode_ms", statistics.DecodeTime.TotalMilliseconds);
        json.WriteMeasured("prefill_tokens_per_second", (statistics.PromptTokens - statistics.CachedPromptTokens) / statistics.PrefillTime.TotalSeconds);
        // The first token belongs to the prefill.
        json.WriteMeasured("decode_tokens_per_second", statistics.OutputTokens > 1 ? (statistics.OutputTokens - 1) / statistics.DecodeTime.TotalSeconds : null);
        json.WriteEndObject();
    }
}
