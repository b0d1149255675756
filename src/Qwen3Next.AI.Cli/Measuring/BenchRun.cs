using System.Diagnostics;
using Qwen3Next.AI.Engine;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>One measured run of some conversations that start together.</summary>
/// <param name="FirstTokenSeconds">Until every conversation has its first token.</param>
/// <param name="PrefillRate">Prompt tokens per second of that time, over all conversations.</param>
/// <param name="DecodeRate">Tokens per second while all conversations are answering; null when there is no such time.</param>
/// <param name="Drafts">Tokens guessed ahead.</param>
/// <param name="AcceptedDrafts">Of these, those that were right.</param>
internal sealed record BenchRun(double FirstTokenSeconds, double PrefillRate, double? DecodeRate, int Drafts = 0, int AcceptedDrafts = 0)
{
    /// <summary>Prompt tokens that were not computed anew, over all conversations.</summary>
    public int CachedTokens { get; private init; }

    /// <summary>Tokens of each conversation's answer.</summary>
    public IReadOnlyList<List<int>> Answers { get; private init; } = [];

    /// <summary>Decoding rates of some runs; null where one was too short to have any.</summary>
    public static Spread? Rate(List<BenchRun> runs) => runs.TrueForAll(r => r.DecodeRate.HasValue) ? Spread.Of(runs.Select(r => r.DecodeRate!.Value)) : null;

    /// <summary>Runs all requests at the same time.</summary>
    public static async Task<BenchRun> MeasureAsync(IQwen3NextEngine engine, GenerationRequest[] requests, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(requests.Select(request => Task.Run(() => RunAsync(engine, request, cancellationToken), cancellationToken)));
        var accepted = answers.Sum(a => a.Statistics.AcceptedDraftTokens);
        return Of([.. answers.Select(a => a.Arrivals)], started, requests.Sum(r => r.Prompt.Length)) with
        {
            Drafts = accepted + answers.Sum(a => a.Statistics.RejectedDraftTokens),
            AcceptedDrafts = accepted,
            CachedTokens = answers.Sum(a => a.Statistics.CachedPromptTokens),
            Answers = [.. answers.Select(a => a.Tokens)],
        };
    }

    /// <summary>
    /// Between the last first token and the first last token all conversations are in every step; only that time counts as decoding.
    /// </summary>
    /// <param name="arrivals">When how many tokens arrived, for each conversation.</param>
    /// <param name="started">When the conversations were handed over.</param>
    /// <param name="promptTokens">Of all conversations.</param>
    internal static BenchRun Of(IReadOnlyList<IReadOnlyList<(long Time, int Tokens)>> arrivals, long started, int promptTokens)
    {
        var allAnswer = arrivals.Max(a => a[0].Time);
        var firstEnds = arrivals.Min(a => a[^1].Time);
        var prefill = Stopwatch.GetElapsedTime(started, allAnswer).TotalSeconds;
        var decoded = arrivals.Sum(a => a.Where(s => s.Time > allAnswer && s.Time <= firstEnds).Sum(s => s.Tokens));
        var decode = firstEnds > allAnswer ? decoded / Stopwatch.GetElapsedTime(allAnswer, firstEnds).TotalSeconds : (double?)null;
        return new BenchRun(prefill, promptTokens / prefill, decode);
    }

    private static async Task<(List<(long Time, int Tokens)> Arrivals, List<int> Tokens, GenerationStatistics Statistics)> RunAsync(
        IQwen3NextEngine engine, GenerationRequest request, CancellationToken cancellationToken)
    {
        var (arrivals, tokens) = (new List<(long, int)>(request.MaxTokens), new List<int>(request.MaxTokens));
        var statistics = new GenerationStatistics();
        await foreach (var step in engine.GenerateAsync(request, cancellationToken))
        {
            if (!step.Tokens.IsEmpty) arrivals.Add((Stopwatch.GetTimestamp(), step.Tokens.Length));
            tokens.AddRange(step.Tokens.Span);
            statistics = step.Statistics ?? statistics;
        }
        return (arrivals, tokens, statistics);
    }
}
