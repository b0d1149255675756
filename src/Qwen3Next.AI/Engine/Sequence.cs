using System.Collections.Concurrent;
using System.Diagnostics;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Ops;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>One conversation in the engine: its tokens, what of them is computed, and what it owns of the cache. Belongs to the engine's thread.</summary>
internal sealed class Sequence
{
    private readonly int[] _stopTokens;
    private readonly TimeSpan? _deadline;
    private readonly long _arrived = Stopwatch.GetTimestamp();
    private long _started, _firstToken;
    private int[] _tokens;
    private int _cachedTokens, _assumed, _draftSteps, _drafted, _acceptedDrafts;
    private bool _published, _stopped;

    /// <param name="request">What to generate; checked by the engine.</param>
    /// <param name="stopTokens">Ends the answer.</param>
    /// <param name="maxTokens">Budget, cut to the context.</param>
    /// <param name="maxBlocks">KV blocks of the longest context.</param>
    /// <param name="vocabularySize">For the penalties.</param>
    public Sequence(GenerationRequest request, int[] stopTokens, int maxTokens, int maxBlocks, int vocabularySize)
    {
        (Sampling, MaxTokens, PromptLength, _stopTokens) = (request.Sampling, maxTokens, request.Prompt.Length, stopTokens);
        Count = PromptLength;
        _tokens = new int[PromptLength + Math.Min(maxTokens, 1024)];
        request.Prompt.CopyTo(_tokens);
        Blocks = new int[maxBlocks];
        (Priority, _deadline) = (request.Priority, request.Deadline);
        ForcedAcceptance = request.ForcedDraftAcceptance;
        Seed = request.Sampling.Seed ?? Random.Shared.NextInt64();
        if (request.TopLogProbabilities is { } top) (TopLogProbabilities, LogProbabilities) = (top, new ConcurrentQueue<TokenLogProbability>());
        if (request.Sampling is { RepetitionPenalty: not 1 } or { FrequencyPenalty: not 0 } or { PresencePenalty: not 0 })
            Counts = new TokenCounts(vocabularySize, request.Prompt.Span);
        if (request.Grammar is { } grammar) Grammar = new GrammarState(grammar, stopTokens, request.ThinkingBudget);
    }

    public TokenStream Stream { get; } = new();

    public SamplingParameters Sampling { get; }

    public TokenCounts? Counts { get; }

    /// <summary>How far the answer has come in the grammar it must follow; null where it is free.</summary>
    public GrammarState? Grammar { get; }

    public long Seed { get; }

    /// <summary>Of each chosen token, stop tokens too, put in before the token is published; null where not wanted.</summary>
    public ConcurrentQueue<TokenLogProbability>? LogProbabilities { get; }

    public int TopLogProbabilities { get; }

    public int MaxTokens { get; }

    public int Priority { get; }

    /// <summary>Its time is up.</summary>
    public bool IsLate => _deadline is { } deadline && Stopwatch.GetElapsedTime(_arrived) > deadline;

    public int PromptLength { get; }

    /// <summary>It is to be answered; otherwise logits or a hidden state are wanted.</summary>
    public bool WantsTokens => Logits is null && Hidden is null;

    /// <summary>Where the logits of prompt rows go when they, not tokens, are wanted: [rows, V].</summary>
    public float[]? Logits { get; init; }

    /// <summary>All prompt rows are wanted, not the last alone.</summary>
    public bool AllLogits { get; init; }

    /// <summary>Where the last token's hidden state goes when it, not tokens, is wanted: [D].</summary>
    public float[]? Hidden { get; init; }

    /// <summary>Tokens of prompt and answer.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens behind these that launched steps choose and the host does not know yet.</summary>
    public int Awaited { get; private set; }

    /// <summary>Leading tokens whose keys, values and states are in the cache, or will be when the launched steps have been computed.</summary>
    public int Computed { get; private set; }

    /// <summary>Tokens that are to be computed; the last one of an answer is not.</summary>
    public int Pending => Math.Min(Count + Awaited, PromptLength + MaxTokens - 1) - Computed;

    /// <summary>Every token of the answer is known or awaited.</summary>
    public bool HasAll => OutputLength + Awaited >= MaxTokens;

    /// <summary>The host must see the next token, or the logits, before the conversation can go on.</summary>
    public bool NeedsHost => CanDraft || !WantsTokens || Grammar is not null || Counts is not null || LogProbabilities is not null;

    /// <summary>It has left the engine; steps under way may still compute for it.</summary>
    public bool IsGone { get; set; }

    /// <summary>
    /// Keys and values of the MTP layer exist for all computed tokens, so that it can guess the next ones. Once they have a gap they stay
    /// incomplete, and the conversation goes on without drafts.
    /// </summary>
    public bool CanDraft { get; set; }

    /// <summary>Guesses of the tokens that follow, to be computed together with the last token.</summary>
    public int DraftCount { get; private set; }

    /// <summary>Drafts of the last step that were right and are not yet part of the state slot.</summary>
    public int KeptDrafts { get; private set; }

    /// <summary>Share of drafts in the answer that is taken for right without looking; for measurements.</summary>
    public double? ForcedAcceptance { get; }

    /// <summary>Set when the answer is complete.</summary>
    public GenerationFinish Finish { get; private set; }

    /// <summary>Where to leave checkpoints in the prefix cache; null: nowhere, and none is looked for.</summary>
    public PrefixBoundaries? Boundaries { get; init; }

    /// <summary>Tokens of prompt and answer so far.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Those that are computed. A stop token may be among them, where the step after it had been launched.</summary>
    public ReadOnlySpan<int> ComputedTokens => _tokens.AsSpan(0, Computed);

    /// <summary>Guesses behind the last token.</summary>
    public ReadOnlySpan<int> Drafts => _tokens.AsSpan(Count, DraftCount);

    /// <summary>Owned KV blocks in position order; the first <see cref="BlockCount"/> count.</summary>
    public int[] Blocks { get; }

    public int BlockCount { get; set; }

    /// <summary>Owned state slot, -1 when not admitted.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Takes part in the step being put together.</summary>
    public bool InBatch { get; set; }

    public int OutputLength => Count - PromptLength;

    /// <summary>The next uncomputed tokens, for the step being put together, and behind them drafts. An awaited token is named as <see cref="Batch.Tokens"/> does.</summary>
    public ReadOnlySpan<int> Next(int count)
    {
        if (_started == 0) _started = Stopwatch.GetTimestamp();
        return _tokens.AsSpan(Computed, count);
    }

    /// <summary>The tokens after some computed positions. A stop token counts, although it is not part of the answer.</summary>
    public ReadOnlySpan<int> Following(int position, int count) => _tokens.AsSpan(position + 1, count);

    /// <summary>These rows are computed, with drafts of which nothing is known yet.</summary>
    public void Advance(int rows, int drafts)
    {
        Computed += rows;
        (DraftCount, KeptDrafts) = (drafts, 0);
        _drafted += drafts;
        if (drafts > 0) _draftSteps++;
    }

    /// <summary>The kept drafts have become part of the state slot.</summary>
    public void Settle() => KeptDrafts = 0;

    /// <summary>Its cache was taken away: everything is computed again.</summary>
    public void Forget() => Computed = DraftCount = KeptDrafts = 0;

    /// <summary>Blocks and state of its first tokens were in the prefix cache.</summary>
    /// <param name="tokens">Their number.</param>
    /// <param name="canDraft">The MTP layer knows them too.</param>
    public void GoOnFrom(int tokens, bool canDraft)
    {
        Computed = tokens;
        CanDraft &= canDraft;
        // Once it has computed something, what it finds is its own.
        if (_started == 0) _cachedTokens = Math.Min(tokens, PromptLength);
    }

    /// <summary>The next token is chosen by a row of the step being launched.</summary>
    public void Await(int row)
    {
        Reserve(Count + Awaited + 1);
        _tokens[Count + Awaited++] = ~row;
    }

    /// <summary>Appends a draft that a row of the last sampling chooses.</summary>
    public void AwaitDraft(int row)
    {
        Reserve(Count + DraftCount + 1);
        _tokens[Count + DraftCount++] = ~row;
    }

    /// <summary>A draft has become known.</summary>
    public void SetDraft(int index, int token) => _tokens[Count + index] = token;

    /// <summary>Goes on as if the next draft had been accepted, for the settings that look at earlier tokens; false where it could not be, or ends the answer.</summary>
    public bool TryAssume()
    {
        var token = _tokens[Count + _assumed];
        if (Grammar is { Finished: true } || Array.IndexOf(_stopTokens, token) >= 0) return false;
        Grammar?.Advance(token);
        Counts?.Add(token);
        _assumed++;
        return true;
    }

    /// <summary>Takes all such tokens back.</summary>
    public void TakeBackAssumed()
    {
        Grammar?.Rewind(_assumed);
        for (; _assumed > 0; _assumed--) Counts?.TakeBack(_tokens[Count + _assumed - 1]);
    }

    /// <summary>Leaves the last drafts out: there is no room for them.</summary>
    public void CutDrafts(int count) => DraftCount = Math.Min(DraftCount, count);

    /// <summary>The draft that the next chosen token may turn out to be; -1 where there is none.</summary>
    public int NextDraft => DraftCount > 0 ? _tokens[Count] : -1;

    /// <summary>
    /// Adds a chosen token. True where it is the draft that the step has computed already: the row behind it then holds the logits of the token
    /// after it.
    /// </summary>
    public bool Accept(int token)
    {
        if (_firstToken == 0) _firstToken = Stopwatch.GetTimestamp();
        var drafted = token == NextDraft;
        Awaited = Math.Max(0, Awaited - 1);
        Reserve(Count + 1);
        _tokens[Count] = token;
        if (_stopped = Array.IndexOf(_stopTokens, token) >= 0) return End(GenerationFinish.Stop);
        Count++;
        Counts?.Add(token);
        Grammar?.Advance(token);
        Grammar?.Commit();
        // Nothing but a stop token could follow; choosing it would cost a step.
        if (Grammar is { Finished: true }) return End(GenerationFinish.Stop);
        if (OutputLength == MaxTokens) return End(GenerationFinish.Length);
        if (!drafted)
        {
            DraftCount = 0;
            return false;
        }
        (DraftCount, KeptDrafts, Computed) = (DraftCount - 1, KeptDrafts + 1, Computed + 1);
        return true;
    }

    /// <summary>Hands the tokens accepted since the last call to the reader, with what is known at the first of them.</summary>
    public void Publish()
    {
        var isFirst = !_published;
        _published = true;
        _acceptedDrafts += KeptDrafts;
        if (OutputLength > 0) Stream.Publish(_tokens.AsMemory(PromptLength, OutputLength), isFirst ? Statistics(OutputLength) : null);
    }

    /// <summary>Tells the reader that the answer is complete. Its place is free by then: the reader may have the next request at hand.</summary>
    public void Conclude() => Stream.Finish(Finish, Statistics(OutputLength + (_stopped ? 1 : 0)));

    public DeadlineExceededException TooLate() => new(
        $"The answer was not complete within {_deadline!.Value.TotalSeconds:0.###} s: {OutputLength} of at most {MaxTokens} tokens were. Allow more time, ask for fewer tokens, or send fewer requests at once.");

    /// <summary>Ends a sequence that wanted no tokens.</summary>
    public void Complete() => End(GenerationFinish.Length);

    private bool End(GenerationFinish finish)
    {
        (Finish, DraftCount) = (finish, 0);
        return false;
    }

    private void Reserve(int tokens)
    {
        if (tokens > _tokens.Length) Array.Resize(ref _tokens, Math.Min(PromptLength + MaxTokens, Math.Max(tokens, 2 * _tokens.Length)));
    }

    private GenerationStatistics Statistics(int outputTokens)
    {
        var now = Stopwatch.GetTimestamp();
        return new GenerationStatistics
        {
            PromptTokens = PromptLength,
            CachedPromptTokens = _cachedTokens,
            OutputTokens = outputTokens,
            DraftSteps = _draftSteps,
            AcceptedDraftTokens = _acceptedDrafts,
            RejectedDraftTokens = _drafted - _acceptedDrafts,
            QueueTime = Stopwatch.GetElapsedTime(_arrived, _started),
            PrefillTime = Stopwatch.GetElapsedTime(_started, _firstToken == 0 ? now : _firstToken),
            DecodeTime = _firstToken == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_firstToken, now),
        };
    }
}
