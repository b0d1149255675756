using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Tokenization;
using Qwen3Next.AI.Weights;

namespace Qwen3Next.AI;

/// <summary>
/// A model in this process: tokenizer, weights and the engine that computes. Creating it costs nothing; the weights are loaded by
/// <see cref="LoadAsync"/> or by the first generation. Many conversations may use it at once. It owns everything it loads.
/// </summary>
public sealed class Qwen3NextEngine : IQwen3NextEngine
{
    private readonly Qwen3NextOptions _options;
    private readonly ILogger _logger;
    private readonly Lazy<Qwen3NextModelInfo> _info;
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly CancellationTokenSource _disposed = new();
    private readonly GenerationGate _generations = new();
    private readonly Lock _gate = new();
    private Task<LoadedModel>? _load;
    private EngineGauges? _gauges;

    /// <summary>Remembers what to load.</summary>
    /// <param name="options">Where the checkpoint lies and how much to use; not changed, and read once at load.</param>
    /// <param name="loggers">Hears what is loaded, on which device and why.</param>
    public Qwen3NextEngine(Qwen3NextOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.DummyWeights is null) ArgumentException.ThrowIfNullOrEmpty(options.ModelPath);
        _options = options;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<Qwen3NextEngine>();
        _info = new Lazy<Qwen3NextModelInfo>(() => ModelInfoReader.Read(_options), LazyThreadSafetyMode.PublicationOnly);
        _tokenizer = new Lazy<Tokenizer>(LoadTokenizer, LazyThreadSafetyMode.PublicationOnly);
    }

    /// <inheritdoc/>
    public Qwen3NextModelInfo ModelInfo => _info.Value;

    /// <inheritdoc/>
    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <inheritdoc/>
    public Qwen3NextEngineStatus Status
    {
        get
        {
            var load = _load;
            var model = load is { IsCompletedSuccessfully: true } ? load.Result : null;
            var present = model?.Engine.Present ?? 0;
            return new Qwen3NextEngineStatus
            {
                State = StateOf(load, model?.Engine.Failure),
                RunningRequests = Math.Min(present, _options.MaxConcurrentRequests),
                WaitingRequests = Math.Max(0, present - _options.MaxConcurrentRequests),
                MaxWaitingRequests = _options.MaxQueueLength,
                KvCacheTokens = model?.Plan.KvTokens ?? 0,
                UsedKvCacheTokens = model?.Engine.UsedKvTokens ?? 0,
                CachedPrefixes = model?.Engine.Prefixes.KnownCount ?? 0,
                PrefixCacheHits = model?.Engine.Prefixes.Hits ?? 0,
                PrefixCacheMisses = model?.Engine.Prefixes.Misses ?? 0,
                PrefixCacheEvictions = model?.Engine.Prefixes.Evictions ?? 0,
                Steps = model?.Engine.Steps ?? 0,
                HostTime = model?.Engine.HostTime,
                Failure = model?.Engine.Failure ?? load?.Exception?.InnerException,
            };
        }
    }

    internal int MaxConcurrentRequests => _options.MaxConcurrentRequests;

    /// <summary>What the loaded model takes of the memory; null before it is loaded.</summary>
    public MemoryPlan? MemoryPlan => _load is { IsCompletedSuccessfully: true } load ? load.Result.Plan : null;

    /// <summary>What the model would take of the device's memory; reads the configuration and file headers, never the weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint cannot be used.</exception>
    /// <exception cref="Qwen3NextException">The model does not fit; the message says what to lower.</exception>
    public MemoryPlan PlanMemory()
    {
        using var backend = BackendChoice.Open(_options, NullLogger.Instance);
        var source = ModelInfoReader.Source(_options);
        var (bytes, hasMtp) = source.Measure(backend);
        return MemoryPlan.Create(source.Config, bytes, hasMtp, backend, _options, ModelInfo.MaxContextTokens);
    }

    /// <inheritdoc/>
    public Task LoadAsync(IProgress<Qwen3NextLoadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        LoadedAsync(progress, cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<GenerationStep> GenerateAsync(
        GenerationRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        _generations.Enter();
        try
        {
            var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
            await foreach (var step in model.Engine.GenerateAsync(request, cancellationToken).ConfigureAwait(false)) yield return step;
        }
        finally
        {
            _generations.Leave();
        }
    }

    /// <inheritdoc/>
    public Task DrainAsync(CancellationToken cancellationToken = default) => _generations.CloseAsync(cancellationToken);

    /// <summary>Logits of the prompt's last token, or of all its tokens, for comparison with other implementations.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    /// <param name="allRows">All tokens instead of the last.</param>
    /// <param name="cancellationToken">Ends the computation early.</param>
    /// <exception cref="ContextLengthExceededException">More tokens than the context holds.</exception>
    public async Task<LogitRows> ComputeLogitsAsync(ReadOnlyMemory<int> tokens, bool allRows, CancellationToken cancellationToken = default)
    {
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        return await model.Engine.ComputeLogitsAsync(tokens, allRows, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hidden state of the prompt's last token after the final norm: what embedding models are read by. Computed together with other requests.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    /// <param name="cancellationToken">Ends the computation early.</param>
    /// <returns>As many numbers as the model is wide.</returns>
    /// <exception cref="ContextLengthExceededException">More tokens than the context holds.</exception>
    public async Task<float[]> ComputeHiddenStateAsync(ReadOnlyMemory<int> tokens, CancellationToken cancellationToken = default)
    {
        _generations.Enter();
        try
        {
            var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
            return await model.Engine.ComputeHiddenAsync(tokens, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _generations.Leave();
        }
    }

    /// <summary>
    /// Writes what the prefix cache knows of a conversation to a file, from which <see cref="LoadSessionAsync"/> continues it without computing it again.
    /// </summary>
    /// <param name="tokens">The conversation, as the prompt of its next request begins.</param>
    /// <param name="path">The file; replaced if it exists. Its size is that of the state, keys and values.</param>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    /// <returns>Tokens saved: those of the longest known prefix; 0, and no file, where nothing is known.</returns>
    public async Task<int> SaveSessionAsync(ReadOnlyMemory<int> tokens, string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        using var prefix = await model.Engine.SaveAsync(tokens).ConfigureAwait(false);
        if (prefix is not null) await Task.Run(() => SessionFile.Save(path, model.Fingerprint, prefix), cancellationToken).ConfigureAwait(false);
        return prefix?.Tokens.Length ?? 0;
    }

    /// <summary>Puts a session that <see cref="SaveSessionAsync"/> wrote into the prefix cache. Load only files that you trust as you trust the model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    /// <returns>Tokens restored; 0 where the prefix cache is off or has no room now.</returns>
    /// <exception cref="Qwen3NextException">The file is damaged, or another model, or one with other cache types, wrote it.</exception>
    public async Task<int> LoadSessionAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        using var prefix = await Task.Run(() => SessionFile.Load(path, model.Fingerprint, ModelInfo.VocabularySize, model.Engine.SavedBytes), cancellationToken).ConfigureAwait(false);
        return await model.Engine.RestoreAsync(prefix).ConfigureAwait(false) ? prefix.Tokens.Length : 0;
    }

    /// <summary>Times the operations of one forward step, each by itself; conversations of the engine wait meanwhile.</summary>
    /// <param name="conversations">Conversations in the step, 1 to MaxConcurrentRequests.</param>
    /// <param name="newTokens">Tokens that each of them adds, 1 or more: 1 for a decoding step, a prompt's length for reading it.</param>
    /// <param name="contextTokens">Tokens that each has already, 0 or more; their content does not matter and is left empty.</param>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    /// <returns>Families of operations, the slowest first.</returns>
    /// <exception cref="Qwen3NextException">The key-value cache has too little room for that step at this moment.</exception>
    public async Task<IReadOnlyList<Qwen3NextOpTime>> ProfileStepAsync(
        int conversations, int newTokens, int contextTokens, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(conversations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(newTokens, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(contextTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)conversations * newTokens, _options.BatchTokens, nameof(newTokens));
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        return await model.Engine.ProfileAsync(conversations, newTokens, contextTokens).ConfigureAwait(false);
    }

    /// <summary>Bytes per second that the device reads from its memory at best, measured on a large buffer; conversations wait meanwhile.</summary>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    public async Task<double> MeasureReadRateAsync(CancellationToken cancellationToken = default)
    {
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        return await model.Engine.MeasureReadRateAsync().ConfigureAwait(false);
    }

    /// <summary>Bytes of a conversation's recurrent state, and how long a copy takes, which is what a checkpoint of the prefix cache costs; it empties that cache.</summary>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    /// <exception cref="Qwen3NextException">No two places for states are free at this moment.</exception>
    public async Task<(long Bytes, TimeSpan Time)> MeasureStateCopyAsync(CancellationToken cancellationToken = default)
    {
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        return await model.Engine.MeasureStateCopyAsync().ConfigureAwait(false);
    }

    /// <summary>For measurements: another number of drafts for the loaded model. What was measured of drafts is forgotten.</summary>
    /// <param name="drafts">As <see cref="Qwen3NextOptions.DraftTokens"/>, and at most that; null goes back to it.</param>
    /// <param name="cancellationToken">Ends the waiting for the model to load.</param>
    /// <returns>False where the model has no prediction module, or the options switch it off.</returns>
    public async Task<bool> SetDraftTokensAsync(int? drafts, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(drafts ?? 0, nameof(drafts));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(drafts ?? 0, _options.DraftTokens ?? SpeculativeDecoder.MaxDrafts, nameof(drafts));
        var model = await LoadedAsync(null, cancellationToken).ConfigureAwait(false);
        return await model.Engine.SetDraftsAsync(drafts).ConfigureAwait(false);
    }

    /// <summary>Bytes of the GPU's memory that no process uses at this moment, whether the model is loaded or not; null on the CPU.</summary>
    /// <exception cref="Qwen3NextException">There is no usable GPU.</exception>
    public long? MeasureFreeMemory()
    {
        using var backend = BackendChoice.Open(_options, NullLogger.Instance);
        return backend.SharesHostMemory ? null : backend.FreeBytes;
    }

    /// <summary>The device in use, as in "CPU, 8 threads"; null before the model is loaded.</summary>
    public string? DeviceName => _load is { IsCompletedSuccessfully: true } load ? load.Result.Device : null;

    /// <summary>Ends all generations and frees the memory. May be called more than once.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc cref="Dispose"/>
    public async ValueTask DisposeAsync()
    {
        Task<LoadedModel>? load;
        lock (_gate)
        {
            if (_disposed.IsCancellationRequested) return;
            _disposed.Cancel();
            load = _load;
        }
        if (load is null) return;
        await ((Task)load).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        _gauges?.Dispose();
        if (load.IsCompletedSuccessfully) (await load.ConfigureAwait(false)).Dispose();
    }

    private (int Running, int Waiting, double Cache) ReadGauges()
    {
        var now = Status;
        return (now.RunningRequests, now.WaitingRequests, (double)now.UsedKvCacheTokens / Math.Max(1, now.KvCacheTokens));
    }

    private Qwen3NextEngineState StateOf(Task<LoadedModel>? load, Exception? failure)
    {
        if (_disposed.IsCancellationRequested) return Qwen3NextEngineState.Disposed;
        if (_generations.Closed) return Qwen3NextEngineState.Draining;
        return load switch
        {
            null or { IsCanceled: true } => Qwen3NextEngineState.NotLoaded,
            { IsCompleted: false } => Qwen3NextEngineState.Loading,
            { IsFaulted: true } => Qwen3NextEngineState.Failed,
            _ => failure is null ? Qwen3NextEngineState.Ready : Qwen3NextEngineState.Failed,
        };
    }

    private async Task<LoadedModel> LoadedAsync(IProgress<Qwen3NextLoadProgress>? progress, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<LoadedModel> load;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
                if (_load is null or { IsFaulted: true } or { IsCanceled: true }) _load = Task.Run(() => Load(progress, cancellationToken), CancellationToken.None);
                load = _load;
            }
            try
            {
                return await load.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !_disposed.IsCancellationRequested)
            {
                // The caller who began this load gave up; this one has not.
            }
        }
    }

    private LoadedModel Load(IProgress<Qwen3NextLoadProgress>? progress, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        try
        {
            // Small files first: what is wrong with them should not cost the loading of weights.
            var model = LoadedModel.Load(_options, ModelInfoReader.Source(_options), ModelInfo, TokenIds(), _logger, progress, either.Token);
            EngineLog.Loaded(_logger, ModelInfo.ModelId, model.Device, model.Plan.ToString());
            _gauges = new EngineGauges(ModelInfo.ModelId, ReadGauges);
            return model;
        }
        catch (OperationCanceledException) when (_disposed.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(Qwen3NextEngine));
        }
    }

    private Tokenizer LoadTokenizer() => _options.DummyWeights is null
        ? Tokenizer.Load(CheckpointFolder.Resolve(_options.ModelPath))
        : throw new Qwen3NextException("Made-up weights have no tokenizer: ask by token ids, or load a checkpoint by ModelPath.");

    /// <summary>Ids that may be chosen: those with text. Token ids alone can be computed without a tokenizer, so its absence is no error here.</summary>
    private int TokenIds()
    {
        if (_options.DummyWeights is not null) return ModelInfo.VocabularySize;
        var file = Path.Combine(CheckpointFolder.Resolve(_options.ModelPath), "tokenizer.json");
        return File.Exists(file) ? Math.Min(Tokenizer.VocabularySize, ModelInfo.VocabularySize) : ModelInfo.VocabularySize;
    }
}
