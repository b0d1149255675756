using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// Owns the loop: schedule, forward, sample, publish. One thread computes; requests come in and tokens go out through queues, from and to any
/// number of threads.
/// </summary>
internal sealed class InferenceEngine : IDisposable
{
    private readonly Qwen3NextModel _model;
    private readonly HybridCache _cache;
    private readonly EngineLimits _limits;
    private readonly PrefixCache _prefixes;
    private readonly Scheduler _scheduler;
    private readonly TokenChooser _chooser;
    private readonly Batch _batch;
    private readonly SpeculativeDecoder? _speculation;
    private readonly ConcurrentQueue<Sequence> _arrivals = new();
    private readonly ConcurrentQueue<Action> _errands = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Action<Sequence> _removeEnded;
    private readonly Thread _thread;
    private int _present;
    private volatile Exception? _failure;
    private volatile bool _stop;

    public InferenceEngine(Qwen3NextModel model, HybridCache cache, EngineLimits limits)
    {
        (_model, _cache, _limits) = (model, cache, limits);
        var drafts = model.HasMtp ? limits.DraftTokens ?? SpeculativeDecoder.MaxDrafts : 0;
        _prefixes = new PrefixCache(cache, limits.Checkpoints, limits.HostCacheBytes);
        _scheduler = new Scheduler(cache, _prefixes, limits, drafts);
        _chooser = new TokenChooser(model.Config.VocabularySize, limits.TokenIds);
        _batch = new Batch(limits.BatchTokens, limits.Sequences, MaxBlocks);
        if (drafts > 0) _speculation = new SpeculativeDecoder(model, cache, limits, new Batch(limits.BatchTokens, limits.Sequences, MaxBlocks));
        _removeEnded = sequence =>
        {
            if (sequence.IsLate) sequence.Stream.Fail(sequence.TooLate());
            if (sequence.IsLate || sequence.Stream.Abandoned) Retire(sequence);
        };
        _thread = new Thread(Run) { IsBackground = true, Name = "qwen3next engine" };
        _thread.Start();
    }

    /// <summary>Conversations that are computed or wait. This and the next two are read by any thread, and a moment old.</summary>
    public int Present => Volatile.Read(ref _present);

    public int UsedKvTokens => (_cache.Blocks.Total - _cache.Blocks.FreeCount - _cache.Blocks.CachedCount) * HybridCache.BlockSize;

    /// <summary>Its counts may be read by any thread; everything else belongs to the engine's.</summary>
    public PrefixCache Prefixes => _prefixes;

    /// <summary>Why the last step failed; null when it did not.</summary>
    public Exception? Failure => _failure;

    private int MaxBlocks => _cache.Blocks.BlocksFor(_limits.ContextTokens);

    /// <summary>Generates tokens; the sequence's place is freed when the enumeration ends, however it ends.</summary>
    public async IAsyncEnumerable<GenerationStep> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RequireHead();
        CheckPrompt(request.Prompt, reserve: 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1);
        if (request.TopLogProbabilities is < 0 or > TokenLogProbability.MaxTop)
            throw new ArgumentOutOfRangeException(nameof(request), request.TopLogProbabilities, $"TopLogProbabilities must be 0 to {TokenLogProbability.MaxTop}, or null.");
        if (request.Deadline is { } deadline) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        if (request.ForcedDraftAcceptance is < 0 or > 1 or double.NaN)
            throw new ArgumentOutOfRangeException(nameof(request), request.ForcedDraftAcceptance, "ForcedDraftAcceptance must be 0 to 1, or null.");
        request.Sampling.Validate();
        var stop = request.StopTokens ?? _limits.StopTokens;
        var budget = Math.Min(request.MaxTokens, _limits.ContextTokens - request.Prompt.Length);
        var sequence = new Sequence(request, [.. stop], budget, MaxBlocks, _model.Config.VocabularySize) { Boundaries = Boundaries(request) };
        Enqueue(sequence);
        try
        {
            await using var registration = CancelOn(sequence, cancellationToken).ConfigureAwait(false);
            GenerationStep step;
            do
            {
                step = await sequence.Stream.ReadAsync().ConfigureAwait(false);
                yield return sequence.LogProbabilities is { } wanted ? step with { LogProbabilities = Take(wanted, step.Tokens.Length) } : step;
            }
            while (step.Finish == GenerationFinish.None);
        }
        finally
        {
            sequence.Stream.Abandon();
            _wake.Set();
        }
    }

    /// <summary>Logits of the last prompt row, or of all.</summary>
    public async Task<LogitRows> ComputeLogitsAsync(ReadOnlyMemory<int> tokens, bool allRows, CancellationToken cancellationToken)
    {
        RequireHead();
        CheckPrompt(tokens, reserve: 0);
        var vocabulary = _model.Config.VocabularySize;
        var rows = allRows ? tokens.Length : 1;
        var request = new GenerationRequest { Prompt = tokens, MaxTokens = 1 };
        var sequence = new Sequence(request, [], 1, MaxBlocks, vocabulary)
        {
            Logits = new float[checked(rows * vocabulary)],
            AllLogits = allRows,
            Boundaries = allRows ? null : Boundaries(request),
        };
        await ComputeAsync(sequence, cancellationToken).ConfigureAwait(false);
        return new LogitRows(sequence.Logits, rows, vocabulary);
    }

    /// <summary>Hidden state [D] of the last token after the final norm.</summary>
    public async Task<float[]> ComputeHiddenAsync(ReadOnlyMemory<int> tokens, CancellationToken cancellationToken)
    {
        CheckPrompt(tokens, reserve: 0);
        var sequence = new Sequence(new GenerationRequest { Prompt = tokens, MaxTokens = 1 }, [], 1, MaxBlocks, _model.Config.VocabularySize)
        {
            Hidden = new float[_model.Config.HiddenSize],
        };
        await ComputeAsync(sequence, cancellationToken).ConfigureAwait(false);
        return sequence.Hidden;
    }

    private async Task ComputeAsync(Sequence sequence, CancellationToken cancellationToken)
    {
        Enqueue(sequence);
        try
        {
            await using var registration = CancelOn(sequence, cancellationToken).ConfigureAwait(false);
            await sequence.Stream.ReadAsync().ConfigureAwait(false);
        }
        finally
        {
            sequence.Stream.Abandon();
            _wake.Set();
        }
    }

    /// <summary>Checks that nothing of the cache is lost or owned twice; for tests, while the engine is idle.</summary>
    internal void CheckIntegrity() => _scheduler.CheckIntegrity();

    /// <summary>The same at any time, between two steps.</summary>
    internal Task<bool> CheckIntegrityAsync() => BetweenStepsAsync(() =>
    {
        _scheduler.CheckIntegrity();
        return true;
    });

    public void Dispose()
    {
        _stop = true;
        _wake.Set();
        _thread.Join();
        _prefixes.Dispose();
        // Not the event: a reader that leaves after this still sets it. Its handle goes with the garbage.
    }

    /// <summary>Times the ops of one step.</summary>
    public Task<IReadOnlyList<Qwen3NextOpTime>> ProfileAsync(int sequences, int rows, int context) =>
        BetweenStepsAsync(() =>
        {
            _prefixes.Clear();
            return StepProfiler.Measure(_model, _cache, sequences, rows, context);
        });

    /// <summary>Copies the longest cached prefix of some tokens to host memory; null where none is known.</summary>
    public Task<SavedPrefix?> SaveAsync(ReadOnlyMemory<int> tokens) => BetweenStepsAsync(() => _prefixes.Save(tokens.Span));

    /// <summary>Puts a saved prefix into the prefix cache; false where it has no room for it. The caller still owns it.</summary>
    public Task<bool> RestoreAsync(SavedPrefix prefix) => BetweenStepsAsync(() => _prefixes.TryAdd(prefix));

    /// <summary>Bytes of the saved state, keys and values of so many tokens.</summary>
    public long SavedBytes(int tokens) => _cache.ImageBytes(_cache.Blocks.BlocksFor(tokens));

    /// <summary>Bytes per second that the device reads at best.</summary>
    public Task<double> MeasureReadRateAsync() => BetweenStepsAsync(_model.MeasureReadRate);

    private Task<T> BetweenStepsAsync<T>(Func<T> work)
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _errands.Enqueue(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        _wake.Set();
        return done.Task;
    }

    private static TokenLogProbability[] Take(ConcurrentQueue<TokenLogProbability> queue, int count)
    {
        var taken = new TokenLogProbability[count];
        for (var i = 0; i < count; i++) taken[i] = queue.TryDequeue(out var next) ? next : throw new InvalidOperationException("A token was published before its probability.");
        return taken;
    }

    private static CancellationTokenRegistration CancelOn(Sequence sequence, CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static (state, token) => ((Sequence)state!).Stream.Fail(new OperationCanceledException(token)), sequence);

    private void RequireHead()
    {
        if (!_model.HasHead) throw new CheckpointException("The checkpoint has no lm_head: it is an embedding model and cannot generate text.");
    }

    private PrefixBoundaries? Boundaries(GenerationRequest request)
    {
        var boundaries = PrefixBoundaries.Of(request, _limits.PrefixInterval);
        return _limits.Checkpoints > 0 ? boundaries : null;
    }

    private void CheckPrompt(ReadOnlyMemory<int> prompt, int reserve)
    {
        if (prompt.Length == 0) throw new ArgumentException("The prompt has no tokens; give at least one.", nameof(prompt));
        if (prompt.Length + reserve > _limits.ContextTokens)
        {
            throw new ContextLengthExceededException(
                $"The prompt has {prompt.Length} tokens; the context holds {_limits.ContextTokens}, of which the answer needs at least {reserve}. Shorten the conversation or raise MaxContextTokens.");
        }
        foreach (var token in prompt.Span)
        {
            if ((uint)token >= (uint)_model.Config.VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(prompt), token, $"Token ids must lie between 0 and {_model.Config.VocabularySize - 1}.");
        }
    }

    private void Enqueue(Sequence sequence)
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        if (Interlocked.Increment(ref _present) > _limits.QueueLength + _limits.Sequences)
        {
            Interlocked.Decrement(ref _present);
            throw new QueueFullException(
                $"{_limits.Sequences} conversations are being computed and {_limits.QueueLength} wait, which is the limit. Try again later, or raise MaxConcurrentRequests or MaxQueueLength.");
        }
        _arrivals.Enqueue(sequence);
        _wake.Set();
    }

    private void Run()
    {
        while (!_stop)
        {
            try
            {
                if (Step()) _failure = null;
                else _wake.WaitOne();
            }
            catch (Exception failure)
            {
                _failure = failure is Qwen3NextException ? failure : new Qwen3NextException($"The engine failed: {failure.Message}", failure);
                FailAll(_failure);
            }
        }
        FailAll(new ObjectDisposedException(nameof(InferenceEngine)));
    }

    /// <summary>One turn of the loop; false when there is nothing to do.</summary>
    internal bool Step()
    {
        while (_errands.TryDequeue(out var errand)) errand();
        while (_arrivals.TryDequeue(out var arrival)) Admit(arrival);
        _scheduler.ForEach(_removeEnded);
        _scheduler.Fill(_batch);
        if (_batch.TokenCount == 0) return false;

        var hidden = _model.Forward(_batch, _cache);
        ReadHidden(hidden);
        var logits = _batch.LogitCount > 0 ? _model.ReadLogits(_batch, hidden) : default;
        _chooser.Choose(_batch, _scheduler.InBatch, logits);
        _speculation?.Draft(_batch, hidden, _scheduler.InBatch);
        foreach (var sequence in _scheduler.InBatch)
        {
            if (sequence.Finish != GenerationFinish.None)
            {
                Retire(sequence);
                sequence.Conclude();
            }
            else if (sequence.Boundaries?.Contains(sequence.Computed) is true)
            {
                Keep(sequence, giveSlot: false);
            }
        }
        return true;
    }

    // Before logits are read: what a device gives to the host lasts until the next reading.
    private void ReadHidden(Tensor hidden)
    {
        for (var n = 0; n < _batch.SequenceCount; n++)
        {
            var sequence = _scheduler.InBatch[n];
            var end = _batch.SequenceStart[n + 1];
            if (sequence.Hidden is { } state && sequence.Pending == end - _batch.SequenceStart[n]) _model.ReadHidden(hidden, end - 1).CopyTo(state);
        }
    }

    private void Admit(Sequence sequence)
    {
        sequence.CanDraft = sequence.WantsTokens && _speculation?.TakesOn(_scheduler.RunningCount + 1) is true;
        _scheduler.Add(sequence);
    }

    private void FailAll(Exception failure)
    {
        while (_arrivals.TryDequeue(out var arrival)) _scheduler.Add(arrival);
        _scheduler.ForEach(sequence =>
        {
            sequence.Stream.Fail(failure);
            Remove(sequence);
        });
    }

    /// <summary>Takes a conversation out; what it has computed stays in the prefix cache for the next one that begins like it.</summary>
    private void Retire(Sequence sequence)
    {
        if (sequence.Boundaries is not null && sequence.Slot >= 0) Keep(sequence, giveSlot: true);
        Remove(sequence);
    }

    private void Keep(Sequence sequence, bool giveSlot)
    {
        if (sequence.KeptDrafts > 0) _speculation!.Settle(sequence);
        if (_prefixes.Keep(sequence.Tokens[..sequence.Computed], sequence.Blocks, sequence.Slot, sequence.CanDraft, giveSlot)) sequence.Slot = -1;
    }

    private void Remove(Sequence sequence)
    {
        _scheduler.Remove(sequence);
        Interlocked.Decrement(ref _present);
    }
}

/// <summary>Bounds of an engine.</summary>
/// <param name="ContextTokens">Longest prompt plus answer.</param>
/// <param name="BatchTokens">Rows of a step.</param>
/// <param name="Sequences">Conversations computed together.</param>
/// <param name="LogitRows">Logit rows of a step, more than <paramref name="Sequences"/>.</param>
/// <param name="DraftTokens">Drafts of a step for each conversation; null chooses by what they are worth. Without effect where the model has no MTP module.</param>
/// <param name="Checkpoints">Prefixes that the prefix cache keeps on the device; the cache has as many state slots besides <paramref name="Sequences"/>. 0: none.</param>
/// <param name="PrefixInterval">Tokens between checkpoints of a long prompt.</param>
/// <param name="HostCacheBytes">Of host memory, for prefixes that give way on the device.</param>
/// <param name="QueueLength">Conversations that may wait.</param>
/// <param name="TokenIds">Ids that may be chosen; rows of the table above have no token.</param>
/// <param name="StopTokens">Where a request names none.</param>
internal sealed record EngineLimits(
    int ContextTokens, int BatchTokens, int Sequences, int LogitRows, int? DraftTokens, int Checkpoints, int PrefixInterval, long HostCacheBytes, int QueueLength, int TokenIds, IReadOnlyList<int> StopTokens);
