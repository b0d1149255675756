using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI.Hosting;

/// <summary>
/// Loads models before the host takes requests, where options ask for it, and lets running requests end before it stops. Servers of requests
/// are registered later and so stop earlier; what still arrives then is refused.
/// </summary>
internal sealed class ModelLifetime(IServiceProvider services, IEnumerable<ModelName> names, IOptionsMonitor<Qwen3NextOptions> options, ILogger<ModelLifetime>? logger = null)
    : IHostedLifecycleService
{
    private readonly ModelName[] _models = [.. names.Distinct()];
    private readonly ILogger _logger = logger ?? NullLogger<ModelLifetime>.Instance;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var model in _models)
            if (IsHere(model) && options.Get(model.Options).Load == Qwen3NextLoadMode.OnHostStart) await LoadAsync(model, cancellationToken).ConfigureAwait(false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(_models.Where(IsHere).Select(model => StopAsync(model, cancellationToken)));

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private bool IsHere(ModelName model) => options.Get(model.Options).Endpoint is null;

    private async Task LoadAsync(ModelName model, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var engine = Engine(model);
        var listener = services.GetKeyedService<IProgress<Qwen3NextLoadProgress>>(model.Key) ?? services.GetService<IProgress<Qwen3NextLoadProgress>>();
        await engine.LoadAsync(new LoadLog(_logger, model.Display, listener), cancellationToken).ConfigureAwait(false);
        await WarmUpAsync(engine, model.Embeds, cancellationToken).ConfigureAwait(false);
        HostLog.Warm(_logger, model.Display, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    // Code is compiled, pages are touched and buffers grown now instead of in the first request.
    private static async Task WarmUpAsync(IQwen3NextEngine engine, bool embeds, CancellationToken cancellationToken)
    {
        var prompt = engine.Tokenizer.Encode("Hello");
        if (embeds && engine is Qwen3NextEngine own)
        {
            await own.ComputeHiddenStateAsync(prompt, cancellationToken).ConfigureAwait(false);
            return;
        }
        await foreach (var _ in engine.GenerateAsync(new GenerationRequest { Prompt = prompt, MaxTokens = 2 }, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    private async Task StopAsync(ModelName model, CancellationToken cancellationToken)
    {
        var engine = Engine(model);
        var patience = options.Get(model.Options).DrainTimeout;
        if (engine.Status is { RunningRequests: > 0 } status)
            HostLog.Draining(_logger, model.Display, status.RunningRequests, status.WaitingRequests, patience.TotalSeconds);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            await engine.DrainAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            HostLog.CutOff(_logger, model.Display);
            await engine.DisposeAsync().ConfigureAwait(false);
        }
    }

    private IQwen3NextEngine Engine(ModelName model) => services.GetRequiredKeyedService<IQwen3NextEngine>(model.Key);

    /// <summary>Writes every tenth of a load to the log, and hands all of it on.</summary>
    private sealed class LoadLog(ILogger logger, string model, IProgress<Qwen3NextLoadProgress>? listener) : IProgress<Qwen3NextLoadProgress>
    {
        private int _tenths;

        public void Report(Qwen3NextLoadProgress value)
        {
            listener?.Report(value);
            var tenths = (int)(value.BytesLoaded * 10 / Math.Max(1, value.BytesTotal));
            if (tenths <= _tenths) return;
            _tenths = tenths;
            HostLog.Loading(logger, model, 10 * tenths, value.BytesTotal >> 20);
        }
    }
}
