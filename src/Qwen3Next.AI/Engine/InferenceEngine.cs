using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Qwen3Next.AI.Cache;
using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Sampling;

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
    private readonly RequestCheck _check;
    private readonly Batch _batch;
    private readonly SpeculativeDecoder? _speculation;
    private readonly ConcurrentQueue<Sequence> _arrivals = new();
    private readonly Errands _errands = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Action<Sequence> _removeEnded, _conclude;
    private readonly Thread _thread;
    private LaunchedStep _now, _before;
    private int _present;
    private long _steps, _hostTicks;
    private volatile Exception? _failure;
    private volatile bool _stop;

    public InferenceEngine(Qwen3NextModel model, HybridCache cache, EngineLimits limits)
    {
        (_model, _cache, _limits) = (model, cache, limits);
        var drafts = model.HasMtp ? limits.DraftTokens ?? SpeculativeDecoder.MaxDrafts : 0;
        _prefixes = new PrefixCache(cache, limits.Checkpoints, limits.HostCacheBytes);
        _scheduler = new Scheduler(cache, _prefixes, limits, drafts);
        _check = new RequestCheck(model, limits);
        (_now, _before) = (new LaunchedStep(model, limits, 0), new LaunchedStep(model, limits, 1));
        _batch = new Batch(limits.BatchTokens, limits.Sequences, MaxBlocks);
        if (drafts > 0) _speculation = new SpeculativeDecoder(model, cache, limits, new Batch(limits.BatchTokens, limits.Sequences, MaxBlocks));
        _removeEnded = sequence =>
        {
            if (sequence.IsLate) sequence.Stream.Fail(sequence.TooLate());
            if (sequence.IsLate || sequence.Stream.Abandoned) Retire(sequence);
        };
        _conclude = Conclude;
        _thread = new Thread(Run) { IsBackground = true, Name = "qwen3next engine" };
        _thread.Start();
    }

    /// <summary>Conversations that are computed or wait. This and the next four are read by any thread, and a moment old.</summary>
    public int Present => Volatile.Read(ref _present);

    public int UsedKvTokens => (_cache.Blocks.Total - _cache.Blocks.FreeCount - _cache.Blocks.CachedCount) * HybridCache.BlockSize;

    /// <summary>Steps computed so far.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>The engine's thread's own part of them; null where that thread is the device.</summary>
    public TimeSpan? HostTime => _limits.RunsAhead ? Stopwatch.GetElapsedTime(0, Volatile.Read(ref _hostTicks)) : null;

    /// <summary>Its counts may be read by any thread; everything else belongs to the engine's.</summary>
    public PrefixCache Prefixes => _prefixes;

    /// <summary>Why the last step failed; null when it did not.</summary>
    public Exception? Failure => _failure;

    private int MaxBlocks => _cache.Blocks.BlocksFor(_limits.ContextTokens);

    /// <summary>Generates tokens; the sequence's place is freed when the enumeration ends, however it ends.</summary>
    public async IAsyncEnumerable<GenerationStep> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _check.Answerable(request);
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
        _check.HasHead();
        _check.Prompt(tokens, reserve: 0);
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
        _check.Prompt(tokens, reserve: 0);
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

    /// <summary>Bytes of a conversation's state, and how long a copy of it takes.</summary>
    public Task<(long Bytes, TimeSpan Time)> MeasureStateCopyAsync() =>
        BetweenStepsAsync(() =>
        {
            _prefixes.Clear();
            return (_cache.Layout.BytesPerState, _cache.Slots.MeasureCopy());
        });

    /// <summary>Drafts for each conversation from now on, at most those of the limits; null: as the limits say. False where there are none at all.</summary>
    public Task<bool> SetDraftsAsync(int? drafts) =>
        BetweenStepsAsync(() =>
        {
            _speculation?.Restart(drafts);
            return _speculation is not null;
        });

    private Task<T> BetweenStepsAsync<T>(Func<T> work)
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        var done = _errands.Add(work);
        _wake.Set();
        return done;
    }

    private static TokenLogProbability[] Take(ConcurrentQueue<TokenLogProbability> queue, int count)
    {
        var taken = new TokenLogProbability[count];
        for (var i = 0; i < count; i++) taken[i] = queue.TryDequeue(out var next) ? next : throw new InvalidOperationException("A token was published before its probability.");
        return taken;
    }

    private static CancellationTokenRegistration CancelOn(Sequence sequence, CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static (state, token) => ((Sequence)state!).Stream.Fail(new OperationCanceledException(token)), sequence);

    private PrefixBoundaries? Boundaries(GenerationRequest request)
    {
        var boundaries = PrefixBoundaries.Of(request, _limits.PrefixInterval);
        return _limits.Checkpoints > 0 ? boundaries : null;
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
                if (TimedStep()) _failure = null;
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

    private bool TimedStep()
    {
        var (started, waited) = (Stopwatch.GetTimestamp(), _model.WaitedTicks);
        var done = Step();
        Volatile.Write(ref _hostTicks, _hostTicks + Stopwatch.GetTimestamp() - started - (_model.WaitedTicks - waited));
        return done;
    }

    /// <summary>
    /// One turn of the loop; false when there is nothing to do. While the device computes a step, the tokens of the one before are published, and the
    /// step after it is put together; where that needs the tokens, they are waited for.
    /// </summary>
    internal bool Step()
    {
        while (_errands.TryTake(out var errand))
        {
            Finish(_now);
            errand();
        }
        while (_arrivals.TryDequeue(out var arrival)) Admit(arrival);
        _scheduler.ForEach(_removeEnded);
        _scheduler.Fill(_batch);
        if (_batch.TokenCount == 0) return Finish(_now);

        Volatile.Write(ref _steps, _steps + 1);
        (_now, _before) = (_before, _now);
        var hidden = _model.Forward(_batch, _cache);
        _now.Launch(_batch, hidden, _scheduler.InBatch);
        Finish(_before);
        if (_now.NeedsHost || !_limits.RunsAhead) _now.Take();
        _speculation?.Draft(_batch, hidden, _scheduler.InBatch);
        foreach (var sequence in _scheduler.InBatch)
            if (!sequence.IsGone && sequence.Boundaries?.Contains(sequence.Computed) is true) Keep(sequence, giveSlot: false);
        _now.ForEachFinished(_conclude);
        return true;
    }

    /// <summary>Waits for a step, if it is under way.</summary>
    private bool Finish(LaunchedStep step)
    {
        if (!step.IsUnderWay) return false;
        step.Take();
        step.ForEachFinished(_conclude);
        return true;
    }

    private void Conclude(Sequence sequence)
    {
        Retire(sequence);
        sequence.Conclude();
    }

    private void Admit(Sequence sequence)
    {
        sequence.CanDraft = sequence.WantsTokens && _speculation?.TakesOn(Present) is true;
        _scheduler.Add(sequence);
    }

    private void FailAll(Exception failure)
    {
        _now.Drop();
        _before.Drop();
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
        if (_prefixes.Keep(sequence.ComputedTokens, sequence.Blocks, sequence.Slot, sequence.CanDraft, giveSlot)) sequence.Slot = -1;
    }

    private void Remove(Sequence sequence)
    {
        sequence.IsGone = true;
        _scheduler.Remove(sequence);
        Interlocked.Decrement(ref _present);
    }
}
