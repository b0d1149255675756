using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.Telemetry;

/// <summary>What a listener hears of requests. Every test has a model name of its own, since instruments are shared by the process.</summary>
public sealed class RequestTelemetryTests : IDisposable
{
    private readonly string _model = $"model-{Guid.NewGuid():N}";
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly ConcurrentQueue<Activity> _activities = [];
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _sources;

    public RequestTelemetryTests()
    {
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == Qwen3NextTelemetry.MeterName) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.Start();
        _sources = new ActivityListener
        {
            ShouldListenTo = source => source.Name is Qwen3NextTelemetry.ActivitySourceName or "client",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _activities.Enqueue,
        };
        ActivitySource.AddActivityListener(_sources);
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var all = tags.ToArray().ToDictionary();
        if (Equals(all.GetValueOrDefault("gen_ai.request.model"), _model)) _measured.Enqueue((instrument.Name, value, all));
    }

    private Qwen3NextChatClient Client(ScriptedEngine engine)
    {
        engine.ModelInfo = engine.ModelInfo with { ModelId = _model };
        engine.CachedTokens = 6;
        return new Qwen3NextChatClient(engine);
    }

    private double Single(string name) => Assert.Single(_measured, m => m.Name == name).Value;

    private Activity Request() => Assert.Single(_activities, a => a.OperationName == $"generate {_model}");

    [Fact]
    public async Task Request_Complete_IsMeasuredByTheServerConventions()
    {
        using var client = Client(new ScriptedEngine().Reply("a", "b", "c"));
        var response = await client.GetResponseAsync("Hi");
        Assert.InRange(Single("gen_ai.server.request.duration"), Single("gen_ai.server.time_to_first_token"), 60);
        Assert.Equal(0.003 / 3, Single("gen_ai.server.time_per_output_token"), 9); // three milliseconds between four tokens, the stop token included
        Assert.Equal(0.001, Single("qwen3next.queue.duration"), 9);
        Assert.Equal(4, Single("qwen3next.output.tokens"));
        var prompt = _measured.Where(m => m.Name == "qwen3next.prompt.tokens").ToDictionary(m => (bool)m.Tags["qwen3next.cached"]!, m => m.Value);
        Assert.Equal((6, response.Usage!.InputTokenCount!.Value - 6), (prompt[true], (long)prompt[false]));
        Assert.All(_measured, m => Assert.Equal(("chat", "qwen3next", _model), (m.Tags["gen_ai.operation.name"], m.Tags["gen_ai.provider.name"], m.Tags["gen_ai.response.model"])));
        Assert.DoesNotContain(_measured, m => m.Tags.ContainsKey("error.type"));
    }

    [Fact]
    public async Task Request_Complete_HasAnActivityWithItsParts()
    {
        using var client = Client(new ScriptedEngine().Reply("a"));
        await client.GetResponseAsync("Hi");
        var request = Request();
        Assert.Equal((6L, 2L), (request.GetTagItem("gen_ai.usage.cache_read.input_tokens"), request.GetTagItem("gen_ai.usage.output_tokens")));
        Assert.Equal(["stop"], Assert.IsType<string[]>(request.GetTagItem("gen_ai.response.finish_reasons")));
        Assert.Equal(ActivityStatusCode.Unset, request.Status);
        var parts = _activities.Where(a => a.ParentSpanId == request.SpanId).ToList();
        Assert.Equal([("queue", 1.0), ("prefill", 2.0), ("decode", 3.0)], parts.Select(p => (p.OperationName, p.Duration.TotalMilliseconds)));
        Assert.Equal(parts[0].StartTimeUtc + parts[0].Duration, parts[1].StartTimeUtc);
    }

    [Theory]
    [InlineData("refused", "System.NotSupportedException")]
    [InlineData("fails", "System.InvalidOperationException")]
    [InlineData("cancelled", "System.Threading.Tasks.TaskCanceledException")]
    [InlineData("left", "abandoned")]
    public async Task Request_NotComplete_NamesTheError(string how, string type)
    {
        using var cancel = new CancellationTokenSource();
        var engine = new ScriptedEngine();
        if (how != "fails") engine.ReplyAndHang("a");
        using var client = Client(engine);
        try
        {
            var options = how == "refused" ? new ChatOptions { ConversationId = "c" } : null;
            await foreach (var _ in client.GetStreamingResponseAsync("Hi", options, cancel.Token))
            {
                if (how == "left") break;
                cancel.CancelAfter(10);
            }
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or OperationCanceledException)
        {
        }
        var (_, _, tags) = Assert.Single(_measured);
        Assert.Equal(type, tags["error.type"]);
        Assert.Equal((ActivityStatusCode.Error, type), (Request().Status, Request().GetTagItem("error.type")));
    }

    [Fact]
    public async Task Pipeline_WithTelemetryAndLogging_NestsAndTellsNoContent()
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(new Lines()));
        using var pipeline = Client(new ScriptedEngine(Qwen3NextFormat.Thinking).Reply("secret", "</think>", "secret")).AsBuilder()
            .UseOpenTelemetry(loggers, "client").UseLogging(loggers).Build();
        var response = await pipeline.GetStreamingResponseAsync("secret").ToChatResponseAsync();
        Assert.Equal("secret", response.Text);
        var chat = Assert.Single(_activities, a => a.OperationName == $"chat {_model}");
        Assert.Equal(chat.SpanId, Request().ParentSpanId);
        Assert.Equal(6, Convert.ToInt32(chat.GetTagItem("gen_ai.usage.cache_read.input_tokens"), null));
        Assert.DoesNotContain(_activities.SelectMany(a => a.TagObjects), t => t.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) is true);
        Assert.NotEmpty(Lines.Written);
        Assert.DoesNotContain(Lines.Written, line => line.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gauges_OfALoadedEngine_EndWithIt()
    {
        await using (var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = TinyModel.TinyCheckpoint.Path, ModelId = _model, MaxContextTokens = 256 }))
        {
            _meters.RecordObservableInstruments();
            Assert.Empty(_measured);
            await engine.LoadAsync();
            _meters.RecordObservableInstruments();
            Assert.Equal(["qwen3next.kv.utilization", "qwen3next.queue.depth", "qwen3next.requests.running"], _measured.Select(m => m.Name).Order());
            Assert.All(_measured, m => Assert.Equal(0, m.Value));
        }
        _measured.Clear();
        _meters.RecordObservableInstruments();
        Assert.Empty(_measured);
    }

    public void Dispose()
    {
        _meters.Dispose();
        _sources.Dispose();
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public static ConcurrentQueue<string> Written { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}
