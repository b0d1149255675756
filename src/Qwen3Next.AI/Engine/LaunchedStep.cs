using Qwen3Next.AI.Model;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Ops.Logits;
using Qwen3Next.AI.Sampling;
using Qwen3Next.AI.Tensors;

namespace Qwen3Next.AI.Engine;

/// <summary>
/// A step that the device computes, from the choice of its tokens to their arrival. A conversation may go on meanwhile: its next row names the token by
/// its place among those that are being chosen. Where the host must know the token first, the step is taken before the next one is launched.
/// </summary>
/// <param name="model">Computes.</param>
/// <param name="limits">The engine's.</param>
/// <param name="turn">0 or 1: two steps alternate.</param>
internal sealed class LaunchedStep(Qwen3NextModel model, EngineLimits limits, int turn)
{
    private readonly SamplingRows _rows = new(limits.LogitRows, limits.TokenIds, turn);
    private readonly List<Share> _shares = new(limits.Sequences);
    private Tensor _logits;

    /// <summary>Its tokens have not been taken yet.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>What comes next for one of its conversations depends on what the host makes of a token.</summary>
    public bool NeedsHost { get; private set; }

    /// <summary>Has tokens chosen for rows that were just computed.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="hidden">[T, D] their hidden states.</param>
    /// <param name="sequences">Their conversations.</param>
    public void Launch(Batch batch, Tensor hidden, List<Sequence> sequences)
    {
        Drop();
        NeedsHost = false;
        if (batch.LogitCount > 0) _logits = model.Logits(batch, hidden);
        for (var n = 0; n < batch.SequenceCount; n++)
        {
            var (sequence, drafts) = (sequences[n], batch.Drafts[n]);
            var (first, rows) = (sequence.Computed, batch.SequenceStart[n + 1] - batch.SequenceStart[n] - drafts);
            NeedsHost |= sequence.NeedsHost;
            sequence.Advance(rows, drafts);
            if (sequence is { Hidden: { } state, Pending: 0 }) model.Read(hidden.Rows(batch.SequenceStart[n + 1] - 1, 1)).CopyTo(state);
            var wanted = sequence.AllLogits ? rows : sequence is { Pending: 0, Hidden: null } ? 1 : 0;
            if (wanted > 0 || sequence.Pending == 0) _shares.Add(new Share(sequence, _rows.Count, wanted, first));
            if (!sequence.WantsTokens || sequence.HasAll) AddUnused(wanted);
            else if (wanted > 0) AddRows(sequence);
        }
        if (_rows.Count > 0) model.Sample(_logits, _rows);
        IsUnderWay = _shares.Count > 0;
    }

    /// <summary>Waits for the tokens and gives them to their conversations, and these to their readers.</summary>
    public void Take()
    {
        IsUnderWay = false;
        var tokens = model.ReadTokens(_rows);
        var readsLogits = false;
        foreach (var share in _shares) readsLogits |= share.Sequence is { Logits: not null } or { LogProbabilities: not null };
        var logits = readsLogits ? model.Read(_logits) : default;
        foreach (var (sequence, row, count, first) in _shares)
        {
            if (sequence.IsGone) continue;
            if (sequence.WantsTokens) Accept(sequence, tokens[row..], readsLogits ? logits[(row * model.Config.VocabularySize)..] : default);
            else Collect(sequence, count, first, readsLogits ? logits[(row * model.Config.VocabularySize)..] : default);
        }
    }

    /// <summary>Calls back for its conversations that are complete.</summary>
    public void ForEachFinished(Action<Sequence> action)
    {
        foreach (var share in _shares)
            if (share.Sequence is { IsGone: false, Finish: not GenerationFinish.None }) action(share.Sequence);
    }

    /// <summary>Nobody wants its tokens any more.</summary>
    public void Drop()
    {
        IsUnderWay = false;
        _shares.Clear();
        _rows.Clear();
    }

    /// <summary>
    /// Each row is sampled as if the tokens before it had been computed one by one; a draft holds when it is the token that is sampled. A draft
    /// has one value, not a distribution, so this accepts it as often as rejection sampling would, and the answer is the one without drafts.
    /// </summary>
    private void Accept(Sequence sequence, ReadOnlySpan<int> tokens, ReadOnlySpan<float> logits)
    {
        var (row, token) = (0, 0);
        do
        {
            token = tokens[row];
            if (sequence.ForcedAcceptance is { } share && sequence.NextDraft >= 0) token = SpeculativeDecoder.Force(sequence, token, share);
            sequence.LogProbabilities?.Enqueue(
                TokenLogProbability.Of(logits.Slice(row * model.Config.VocabularySize, limits.TokenIds), token, sequence.TopLogProbabilities));
            row++;
        }
        while (sequence.Accept(token));
        sequence.Publish();
    }

    private void Collect(Sequence sequence, int rows, int first, ReadOnlySpan<float> logits)
    {
        var width = model.Config.VocabularySize;
        if (sequence.Logits is not null) logits[..(rows * width)].CopyTo(sequence.Logits.AsSpan(sequence.AllLogits ? first * width : 0));
        if (sequence.Pending == 0) sequence.Complete();
    }

    /// <summary>A row for the next token, and one behind each draft, as if the drafts before it were right. What follows one that cannot be is of no interest.</summary>
    private void AddRows(Sequence sequence)
    {
        var position = sequence.OutputLength + sequence.Awaited;
        if (!sequence.NeedsHost) sequence.Await(_rows.Count);
        var possible = true;
        for (var i = 0; i <= sequence.DraftCount; i++)
        {
            if (i > 0) possible = possible && _rows.Allows(_rows.Count - 1, sequence.Drafts[i - 1]) && sequence.TryAssume();
            var row = new SamplingRow(sequence.Sampling, possible ? sequence.Counts : null, sequence.Seed, position + i);
            _rows.Add(row, possible && sequence.Grammar is { Finished: false } grammar ? grammar.Allowed() : default);
        }
        sequence.TakeBackAssumed();
    }

    // Rows of logits and of samples go side by side.
    private void AddUnused(int count)
    {
        for (var i = 0; i < count; i++) _rows.Add(new SamplingRow(SamplingParameters.Greedy, null, 0, 0));
    }

    /// <param name="Sequence">Whose.</param>
    /// <param name="Row">Its first row of logits.</param>
    /// <param name="Rows">Rows of logits that it wants, those of drafts not counted.</param>
    /// <param name="First">Position of the first row that the step computed.</param>
    private readonly record struct Share(Sequence Sequence, int Row, int Rows, int First);
}
