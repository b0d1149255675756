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
    private readonly Scheduler _scheduler;
    private readonly Sampler _sampler;
    private readonly Batch _batch;
    private readonly ConcurrentQueue<Sequence> _arrivals = new();
    private readonly ConcurrentQueue<Action> _errands = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Action<Sequence> _removeAbandoned;
    private readonly Thread _thread;
    private int _present;
    private volatile Exception? _failure;
    private volatile bool _stop;

    public InferenceEngine(Qwen3NextModel model, HybridCache cache, EngineLimits limits)
    {
        (_model, _cache, _limits) = (model, cache, limits);
        _scheduler = new Scheduler(cache, limits.BatchTokens, limits.Sequences, limits.LogitRows);
        _sampler = new Sampler(model.Config.VocabularySize);
        _batch = new Batch(limits.BatchTokens, limits.Sequences, MaxBlocks);
        _removeAbandoned = sequence => { if (sequence.Stream.Abandoned) Remove(sequence); };
        _thread = new Thread(Run) { IsBackground = true, Name = "qwen3next engine" };
        _thread.Start();
    }

    /// <summary>Conversations that are computed or wait. This and the next two are read by any thread, and a moment old.</summary>
    public int Present => Volatile.Read(ref _present);

    public int UsedKvTokens => (_cache.Blocks.Total - _cache.Blocks.FreeCount) * HybridCache.BlockSize;

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
        request.Sampling.Validate();
        var stop = request.StopTokens ?? _limits.StopTokens;
        var budget = Math.Min(request.MaxTokens, _limits.ContextTokens - request.Prompt.Length);
        var sequence = new Sequence(request, [.. stop], budget, MaxBlocks, _model.Config.VocabularySize);
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
        var sequence = new Sequence(new GenerationRequest { Prompt = tokens, MaxTokens = 1 }, [], 1, MaxBlocks, vocabulary)
        {
            Logits = new float[checked(rows * vocabulary)],
            AllLogits = allRows,
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

    public void Dispose()
    {
        _stop = true;
        _wake.Set();
        _thread.Join();
        // Not the event: a reader that leaves after this still sets it. Its handle goes with the garbage.
    }

    /// <summary>Times the ops of one step.</summary>
    public Task<IReadOnlyList<Qwen3NextOpTime>> ProfileAsync(int sequences, int rows, int context) =>
        BetweenStepsAsync(() => StepProfiler.Measure(_model, _cache, sequences, rows, context));

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
        while (_arrivals.TryDequeue(out var arrival)) _scheduler.Add(arrival);
        _scheduler.ForEach(_removeAbandoned);
        _scheduler.Fill(_batch);
        if (_batch.TokenCount == 0) return false;

        var hidden = _model.Forward(_batch, _cache);
        ReadHidden(hidden);
        var logits = _batch.LogitCount > 0 ? _model.ReadLogits(_batch, hidden) : default;
        var row = 0;
        for (var n = 0; n < _batch.SequenceCount; n++)
        {
            var sequence = _scheduler.InBatch[n];
            var rows = _batch.SequenceStart[n + 1] - _batch.SequenceStart[n];
            var first = sequence.Computed;
            sequence.Advance(rows);
            if (sequence.Hidden is not null) EndIfComputed(sequence);
            else if (sequence.Logits is not null) row += Collect(sequence, logits, row, first, rows);
            else if (sequence.Pending == 0) Choose(sequence, logits.Slice(row++ * _model.Config.VocabularySize, _limits.TokenIds));
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

    private void Choose(Sequence sequence, Span<float> logits)
    {
        var token = _sampler.Sample(logits, sequence.Sampling, sequence.Counts, sequence.Seed, sequence.OutputLength);
        sequence.LogProbabilities?.Enqueue(TokenLogProbability.Of(logits, token, sequence.TopLogProbabilities));
        if (sequence.Accept(token)) Remove(sequence);
    }

    private int Collect(Sequence sequence, ReadOnlySpan<float> logits, int row, int first, int rows)
    {
        var wanted = sequence.AllLogits ? rows : sequence.Pending == 0 ? 1 : 0;
        if (wanted == 0) return 0;
        var width = _model.Config.VocabularySize;
        logits.Slice(row * width, wanted * width).CopyTo(sequence.Logits.AsSpan(sequence.AllLogits ? first * width : 0));
        EndIfComputed(sequence);
        return wanted;
    }

    private void EndIfComputed(Sequence sequence)
    {
        if (sequence.Pending > 0) return;
        // Its place is free before the reader knows, who may have the next request at hand.
        Remove(sequence);
        sequence.Complete();
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
/// <param name="QueueLength">Conversations that may wait.</param>
/// <param name="TokenIds">Ids that may be chosen; rows of the table above have no token.</param>
/// <param name="StopTokens">Where a request names none.</param>
internal sealed record EngineLimits(
    int ContextTokens, int BatchTokens, int Sequences, int LogitRows, int QueueLength, int TokenIds, IReadOnlyList<int> StopTokens);
