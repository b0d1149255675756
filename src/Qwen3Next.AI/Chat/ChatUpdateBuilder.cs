using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Chat;

/// <summary>Reads one answer: tokens to text, text to reasoning, answer and calls, those to updates. One update per engine step at most.</summary>
internal sealed class ChatUpdateBuilder
{
    private readonly ChatRequest _request;
    private readonly Tokenizer _tokenizer;
    private readonly string _modelId;
    private readonly ILogger _logger;
    private readonly IncrementalDecoder _decoder;
    private readonly OutputParser _parser;
    private StopSequenceMatcher _stop;
    private readonly ReasoningTokenCounter _reasoningTokens;
    private readonly List<OutputEvent> _events = [];
    private readonly List<AIContent> _calls = [];
    private readonly List<TokenLogProbability> _logProbabilities = [];
    private readonly StringBuilder _reasoning = new();
    private readonly StringBuilder _hiddenReasoning = new();
    private readonly StringBuilder _text = new();
    private readonly string _responseId = $"resp_{Guid.NewGuid():N}";
    private readonly string _messageId = $"msg_{Guid.NewGuid():N}";
    private readonly DateTimeOffset _createdAt = DateTimeOffset.UtcNow;
    private GenerationFinish _finish;
    private long _firstToken;
    private int _tokens;

    public ChatUpdateBuilder(ChatRequest request, Tokenizer tokenizer, string modelId, ILogger logger)
    {
        (_request, _tokenizer, _modelId, _logger) = (request, tokenizer, modelId, logger);
        _decoder = tokenizer.CreateDecoder();
        Statistics = new GenerationStatistics { PromptTokens = request.Generation.Prompt.Length };
        _parser = new OutputParser(request.Format, request.StartsInReasoning, request.Tools, parseTools: request.Tools.Count > 0);
        _stop = new StopSequenceMatcher(request.StopSequences);
        _reasoningTokens = new ReasoningTokenCounter(tokenizer, request.StartsInReasoning);
    }

    /// <summary>The answer is complete before the engine says so: a stop sequence, or the one call that was allowed.</summary>
    public bool Ended { get; private set; }

    /// <summary>Reads a step; null when nothing of it can be shown yet.</summary>
    public ChatResponseUpdate? Add(GenerationStep step)
    {
        if (_firstToken == 0 && step.Tokens.Length > 0) _firstToken = Stopwatch.GetTimestamp();
        var before = _tokens;
        foreach (var token in step.Tokens.Span)
        {
            if (Ended) break;
            if (step.LogProbabilities.Length > 0) _logProbabilities.Add(step.LogProbabilities.Span[_tokens - before]);
            _tokens++;
            _reasoningTokens.Add(token);
            Parse(_decoder.Append(token));
        }
        (_finish, Statistics) = (step.Finish, step.Statistics ?? Statistics);
        return TakeText();
    }

    /// <summary>Counts and times; final after <see cref="Complete"/>.</summary>
    public GenerationStatistics Statistics { get; private set; }

    /// <summary>Set by <see cref="Complete"/>.</summary>
    public ChatFinishReason FinishReason { get; private set; }

    /// <summary>What was held back, then all calls at once, then the last update with usage and finish reason.</summary>
    public IReadOnlyList<ChatResponseUpdate> Complete()
    {
        // Where this side ended the answer, the engine's last word was that of the first token.
        if (_finish == GenerationFinish.None)
            Statistics = Statistics with { OutputTokens = _tokens, DecodeTime = Stopwatch.GetElapsedTime(_firstToken) };
        if (!Ended)
        {
            Parse(_decoder.Flush());
            _parser.Complete(_events);
            Dispatch();
        }
        if (!Ended) EndText();
        var updates = new List<ChatResponseUpdate>(4);
        if (TakeText() is { } rest) updates.Add(rest);
        var hasCalls = _calls.Exists(c => c is FunctionCallContent);
        // The model needs its thoughts again with the results of its calls, also where nobody is to read them.
        if (hasCalls && _hiddenReasoning.Length > 0) updates.Add(Update([HiddenReasoning.Hide(_hiddenReasoning.ToString())]));
        if (_calls.Count > 0) updates.Add(Update(_calls));

        FinishReason = hasCalls ? ChatFinishReason.ToolCalls
            : _finish == GenerationFinish.Length && !Ended ? ChatFinishReason.Length
            : ChatFinishReason.Stop;
        var last = Update([new UsageContent(Usage())]);
        last.FinishReason = FinishReason;
        last.AdditionalProperties = Timings();
        if (_request.Generation.TopLogProbabilities is not null) last.AdditionalProperties[LogProbabilities.Key] = LogProbabilities.Write(_logProbabilities, _tokenizer);
        updates.Add(last);
        return updates;
    }

    private void Parse(string text)
    {
        if (text.Length == 0) return;
        _parser.Append(text, _events);
        Dispatch();
    }

    private void Dispatch()
    {
        foreach (var output in _events)
        {
            if (output.Kind != OutputKind.Reasoning) _reasoningTokens.End();
            switch (output.Kind)
            {
                case OutputKind.Reasoning:
                    (_request.ShowReasoning ? _reasoning : _hiddenReasoning).Append(output.Text);
                    break;
                case OutputKind.Text:
                    _text.Append(_stop.Append(output.Text));
                    Ended = _stop.Stopped;
                    break;
                default:
                    EndText();
                    if (Ended) break;
                    _calls.Add(Call(output));
                    Ended = _request.OneToolCallAtMost && output.Kind == OutputKind.ToolCall;
                    break;
            }
            if (Ended) break;
        }
        _events.Clear();
    }

    /// <summary>A stop sequence does not reach over a call, so text after one is matched anew.</summary>
    private void EndText()
    {
        _text.Append(_stop.Flush());
        Ended = _stop.Stopped;
        _stop = new StopSequenceMatcher(_request.StopSequences);
    }

    private AIContent Call(OutputEvent output)
    {
        if (output.Call is { Arguments.ValueKind: JsonValueKind.Object } call)
        {
            var arguments = call.Arguments.EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value, StringComparer.Ordinal);
            return new FunctionCallContent($"call_{Guid.NewGuid():N}", call.Name, arguments) { RawRepresentation = output.Text };
        }
        ChatLog.InvalidToolCall(_logger, output.Text.Length);
        return new ErrorContent("The model wrote a tool call that is cut off or not valid; it is not executed.") { ErrorCode = "InvalidToolCall", Details = output.Text };
    }

    private ChatResponseUpdate? TakeText()
    {
        if (_reasoning.Length + _text.Length == 0) return null;
        var contents = new List<AIContent>(2);
        if (_reasoning.Length > 0) contents.Add(new TextReasoningContent(_reasoning.ToString()));
        if (_text.Length > 0) contents.Add(new TextContent(_text.ToString()));
        _reasoning.Clear();
        _text.Clear();
        return Update(contents);
    }

    private ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _responseId,
        MessageId = _messageId,
        ModelId = _modelId,
        CreatedAt = _createdAt,
    };

    private UsageDetails Usage() => new()
    {
        InputTokenCount = Statistics.PromptTokens,
        OutputTokenCount = Statistics.OutputTokens,
        TotalTokenCount = Statistics.PromptTokens + Statistics.OutputTokens,
        CachedInputTokenCount = Statistics.CachedPromptTokens,
        ReasoningTokenCount = _reasoningTokens.Count,
        AdditionalCounts = DraftCounts(),
    };

    // Counted by the engine, so only known where the engine ended the answer.
    private AdditionalPropertiesDictionary<long>? DraftCounts() => _finish == GenerationFinish.None || Statistics.DraftSteps == 0 ? null : new()
    {
        ["OutputTokenDetails.AcceptedPredictionTokenCount"] = Statistics.AcceptedDraftTokens,
        ["OutputTokenDetails.RejectedPredictionTokenCount"] = Statistics.RejectedDraftTokens,
        ["mtp.draft_steps"] = Statistics.DraftSteps,
    };

    // Rates and times do not add up over responses, so they are no usage counts.
    private AdditionalPropertiesDictionary Timings() => new()
    {
        ["queue_ms"] = Statistics.QueueTime.TotalMilliseconds,
        ["prefill_ms"] = Statistics.PrefillTime.TotalMilliseconds,
        ["decode_ms"] = Statistics.DecodeTime.TotalMilliseconds,
    };
}
