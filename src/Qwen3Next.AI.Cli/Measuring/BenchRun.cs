using System.Diagnostics;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Sampling;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>One measured run of some conversations that start together.</summary>
/// <param name="FirstTokenSeconds">Until every conversation has its first token.</param>
/// <param name="PrefillRate">Prompt tokens per second of that time, over all conversations.</param>
/// <param name="DecodeRate">Tokens per second while all conversations are answering; null when there is no such time.</param>
internal sealed record BenchRun(double FirstTokenSeconds, double PrefillRate, double? DecodeRate)
{
    /// <summary>Runs greedily to the full number of tokens.</summary>
    public static async Task<BenchRun> MeasureAsync(IQwen3NextEngine engine, int[][] prompts, int tokens, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var arrivals = await Task.WhenAll(prompts.Select(prompt => Task.Run(() => RunAsync(engine, prompt, tokens, cancellationToken), cancellationToken)));
        return Of(arrivals, started, prompts.Sum(p => p.Length));
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

    private static async Task<List<(long Time, int Tokens)>> RunAsync(IQwen3NextEngine engine, int[] prompt, int tokens, CancellationToken cancellationToken)
    {
        var request = new GenerationRequest { Prompt = prompt, MaxTokens = tokens, Sampling = SamplingParameters.Greedy, StopTokens = [] };
        var arrivals = new List<(long, int)>(tokens);
        await foreach (var step in engine.GenerateAsync(request, cancellationToken))
        {
            if (!step.Tokens.IsEmpty) arrivals.Add((Stopwatch.GetTimestamp(), step.Tokens.Length));
        }
        return arrivals;
    }
}
