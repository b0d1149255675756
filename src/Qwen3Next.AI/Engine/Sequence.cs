using System.Collections.Concurrent;
using System.Diagnostics;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Engine;

/// <summary>One conversation in the engine: its tokens, what of them is computed, and what it owns of the cache. Belongs to the engine's thread.</summary>
internal sealed class Sequence
{
    private readonly int[] _stopTokens;
    private readonly long _arrived = Stopwatch.GetTimestamp();
    private long _started, _firstToken;
    private int[] _tokens;

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
        Seed = request.Sampling.Seed ?? Random.Shared.NextInt64();
        if (request.TopLogProbabilities is { } top) (TopLogProbabilities, LogProbabilities) = (top, new ConcurrentQueue<TokenLogProbability>());
        if (request.Sampling is { RepetitionPenalty: not 1 } or { FrequencyPenalty: not 0 } or { PresencePenalty: not 0 })
            Counts = new TokenCounts(vocabularySize, request.Prompt.Span);
    }

    public TokenStream Stream { get; } = new();

    public SamplingParameters Sampling { get; }

    public TokenCounts? Counts { get; }

    public long Seed { get; }

    /// <summary>Of each chosen token, stop tokens too, put in before the token is published; null where not wanted.</summary>
    public ConcurrentQueue<TokenLogProbability>? LogProbabilities { get; }

    public int TopLogProbabilities { get; }

    public int MaxTokens { get; }

    public int PromptLength { get; }

    /// <summary>Where the logits of prompt rows go when they, not tokens, are wanted: [rows, V].</summary>
    public float[]? Logits { get; init; }

    /// <summary>All prompt rows are wanted, not the last alone.</summary>
    public bool AllLogits { get; init; }

    /// <summary>Where the last token's hidden state goes when it, not tokens, is wanted: [D].</summary>
    public float[]? Hidden { get; init; }

    /// <summary>Tokens of prompt and answer.</summary>
    public int Count { get; private set; }

    /// <summary>Leading tokens whose keys, values and states are in the cache.</summary>
    public int Computed { get; private set; }

    public int Pending => Count - Computed;

    /// <summary>Owned KV blocks in position order; the first <see cref="BlockCount"/> count.</summary>
    public int[] Blocks { get; }

    public int BlockCount { get; set; }

    /// <summary>Owned state slot, -1 when not admitted.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Takes part in the step being put together.</summary>
    public bool InBatch { get; set; }

    public int OutputLength => Count - PromptLength;

    /// <summary>The next uncomputed tokens, for the step being put together.</summary>
    public ReadOnlySpan<int> Next(int count)
    {
        if (_started == 0) _started = Stopwatch.GetTimestamp();
        return _tokens.AsSpan(Computed, count);
    }

    public void Advance(int rows) => Computed += rows;

    /// <summary>Its cache was taken away: everything is computed again.</summary>
    public void Forget() => Computed = 0;

    /// <summary>Adds a chosen token, publishes it, and says whether the answer is complete.</summary>
    public bool Accept(int token)
    {
        var isFirst = _firstToken == 0;
        if (isFirst) _firstToken = Stopwatch.GetTimestamp();
        if (Array.IndexOf(_stopTokens, token) >= 0)
        {
            Stream.Finish(GenerationFinish.Stop, Statistics(OutputLength + 1));
            return true;
        }
        if (Count == _tokens.Length) Array.Resize(ref _tokens, Math.Min(PromptLength + MaxTokens, 2 * Count));
        _tokens[Count++] = token;
        Counts?.Add(token);
        Stream.Publish(_tokens.AsMemory(PromptLength, OutputLength), isFirst ? Statistics(OutputLength) : null);
        if (OutputLength < MaxTokens) return false;
        Stream.Finish(GenerationFinish.Length, Statistics(OutputLength));
        return true;
    }

    /// <summary>Ends a sequence that wanted no tokens.</summary>
    public void Complete() => Stream.Finish(GenerationFinish.Length, Statistics(0));

    private GenerationStatistics Statistics(int outputTokens)
    {
        var now = Stopwatch.GetTimestamp();
        return new GenerationStatistics
        {
            PromptTokens = PromptLength,
            OutputTokens = outputTokens,
            QueueTime = Stopwatch.GetElapsedTime(_arrived, _started),
            PrefillTime = Stopwatch.GetElapsedTime(_started, _firstToken == 0 ? now : _firstToken),
            DecodeTime = _firstToken == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_firstToken, now),
        };
    }
}
