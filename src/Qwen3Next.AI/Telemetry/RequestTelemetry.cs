using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Qwen3Next.AI.Telemetry;

/// <summary>What is reported of one request: an activity with its parts, and measurements. Where nobody listens, it costs a few comparisons.</summary>
internal sealed class RequestTelemetry : IDisposable
{
    // Buckets are those of the conventions.
    private static readonly Histogram<double> s_duration = Seconds("gen_ai.server.request.duration", "From request to the end of its answer.",
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]);

    private static readonly Histogram<double> s_firstToken = Seconds("gen_ai.server.time_to_first_token", "From request to the first token.",
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);

    private static readonly Histogram<double> s_perToken = Seconds("gen_ai.server.time_per_output_token", "Between tokens after the first, on average over an answer.",
        [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]);

    private static readonly Histogram<double> s_queue = Seconds("qwen3next.queue.duration", "From arrival to the first step.",
        [0.001, 0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]);

    private static readonly Counter<long> s_prompt =
        Qwen3NextTelemetry.Meter.CreateCounter<long>("qwen3next.prompt.tokens", "{token}", "Tokens of prompts, those taken from the prefix cache apart.");

    private static readonly Counter<long> s_output = Qwen3NextTelemetry.Meter.CreateCounter<long>("qwen3next.output.tokens", "{token}", "Tokens generated.");

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly string _operation;
    private readonly string _model;
    private readonly Activity? _activity;
    private TimeSpan? _firstToken;
    private string? _error = "abandoned";

    /// <param name="operation">What is asked, in the words of the conventions: chat or text_completion.</param>
    /// <param name="model">Name of the model.</param>
    public RequestTelemetry(string operation, string model)
    {
        (_operation, _model) = (operation, model);
        _activity = Qwen3NextTelemetry.Source.StartActivity($"generate {model}");
        _activity?.SetTag("gen_ai.operation.name", operation).SetTag("gen_ai.provider.name", Qwen3NextTelemetry.ProviderName).SetTag("gen_ai.request.model", model);
    }

    /// <summary>Awaits a step of the request and keeps its error in mind.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WatchAsync(ValueTask<bool> step)
    {
        try
        {
            return await step.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
    }

    public void Fail(Exception error) => _error = error.GetType().FullName;

    /// <summary>Takes note of tokens; only the first time counts.</summary>
    public void TokensArrived() => _firstToken ??= Stopwatch.GetElapsedTime(_started);

    /// <summary>The answer is complete.</summary>
    /// <param name="promptTokens">Cached ones included.</param>
    /// <param name="cachedTokens">Prompt tokens not computed anew.</param>
    /// <param name="outputTokens">Thinking and calls included.</param>
    /// <param name="queue">From arrival to the first step.</param>
    /// <param name="prefill">From the first step to the first token.</param>
    /// <param name="decode">From the first token to the last.</param>
    /// <param name="finishReason">As the response has it.</param>
    public void Complete(long promptTokens, long cachedTokens, long outputTokens, TimeSpan queue, TimeSpan prefill, TimeSpan decode, string finishReason)
    {
        _error = null;
        var tags = Tags();
        s_queue.Record(queue.TotalSeconds, tags);
        if (_firstToken is { } first) s_firstToken.Record(first.TotalSeconds, tags);
        if (outputTokens > 1) s_perToken.Record(decode.TotalSeconds / (outputTokens - 1), tags);
        s_output.Add(outputTokens, tags);
        s_prompt.Add(promptTokens - cachedTokens, [.. tags, new("qwen3next.cached", false)]);
        if (cachedTokens > 0) s_prompt.Add(cachedTokens, [.. tags, new("qwen3next.cached", true)]);
        if (_activity is null) return;
        _activity.SetTag("gen_ai.usage.input_tokens", promptTokens).SetTag("gen_ai.usage.cache_read.input_tokens", cachedTokens)
            .SetTag("gen_ai.usage.output_tokens", outputTokens).SetTag("gen_ai.response.finish_reasons", new[] { finishReason });
        WriteParts(queue, prefill, decode);
    }

    public void Dispose()
    {
        KeyValuePair<string, object?>[] tags = _error is null ? Tags() : [.. Tags(), new("error.type", _error)];
        s_duration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, tags);
        if (_error is not null) _activity?.SetTag("error.type", _error).SetStatus(ActivityStatusCode.Error);
        _activity?.Dispose();
    }

    // The engine measured them; they are written down when their sum is known.
    private void WriteParts(TimeSpan queue, TimeSpan prefill, TimeSpan decode)
    {
        var start = DateTime.UtcNow - (queue + prefill + decode);
        foreach (var (name, time) in new[] { ("queue", queue), ("prefill", prefill), ("decode", decode) })
        {
            using var part = Qwen3NextTelemetry.Source.StartActivity(ActivityKind.Internal, _activity!.Context, startTime: start, name: name);
            start += time;
            part?.SetEndTime(start);
        }
    }

    private KeyValuePair<string, object?>[] Tags() =>
    [
        new("gen_ai.operation.name", _operation),
        new("gen_ai.provider.name", Qwen3NextTelemetry.ProviderName),
        new("gen_ai.request.model", _model),
        new("gen_ai.response.model", _model),
    ];

    private static Histogram<double> Seconds(string name, string description, IReadOnlyList<double> buckets) =>
        Qwen3NextTelemetry.Meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
}
