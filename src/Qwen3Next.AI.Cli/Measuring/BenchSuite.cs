using System.Diagnostics;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>What the suite measures: lengths in tokens, numbers of conversations.</summary>
internal sealed record SuitePlan(int[] Depths, int[] Streams, int[] Prefills, int[] FirstTokens, int Tokens, int Runs)
{
    public const int StreamPrompt = 512;

    /// <summary>Longest context of one conversation.</summary>
    public int Longest => Depths.Concat(Prefills).Concat(FirstTokens).Append(StreamPrompt).Max() + Tokens;

    public int MostStreams => Streams.Append(1).Max();
}

/// <summary>Measures decoding at several depths, many conversations, and the reading of prompts, on one engine.</summary>
internal sealed class BenchSuite(Qwen3NextEngine engine, SuitePlan plan, int batchTokens, CancellationToken cancellationToken)
{
    private int _seed;

    /// <param name="peakOperations">Passed on to the result.</param>
    /// <param name="say">Told what is being measured.</param>
    public async Task<SuiteResult> RunAsync(double? peakOperations, Action<string> say)
    {
        var startUp = await StartAsync(say);
        say("Warming up");
        await MeasureAsync(SuitePlan.StreamPrompt, 1, plan.Tokens);
        var rows = new List<SuiteRow>();
        foreach (var depth in plan.Depths) rows.Add(await DecodeAsync("decode", depth, 1, say));
        foreach (var streams in plan.Streams) rows.Add(await DecodeAsync("streams", SuitePlan.StreamPrompt, streams, say));
        foreach (var length in plan.Prefills) rows.Add(await PromptAsync("prefill", length, say));
        foreach (var length in plan.FirstTokens) rows.Add(await PromptAsync("first token", length, say));
        say("One step, operation by operation");
        var depthOfStep = plan.Depths.Append(SuitePlan.StreamPrompt).First();
        var decode = await engine.ProfileStepAsync(1, 1, depthOfStep, cancellationToken);
        var prefill = await engine.ProfileStepAsync(1, batchTokens, 0, cancellationToken);
        var readRate = await engine.MeasureReadRateAsync(cancellationToken);
        return new SuiteResult(engine.ModelInfo.ModelId, engine.DeviceName!, readRate, peakOperations, startUp, rows, decode, prefill);
    }

    /// <summary>From the start of the process; the first request loads kernels, the second records steps where the device does.</summary>
    private async Task<List<(string, double)>> StartAsync(Action<string> say)
    {
        var parts = new List<(string, double)> { ("process", (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds) };
        say("Loading the model");
        await TimeAsync("weights", () => engine.LoadAsync(null, cancellationToken));
        await TimeAsync("first request", () => MeasureAsync(16, 1, 4));
        await TimeAsync("second request", () => MeasureAsync(16, 1, 4));
        return parts;

        async Task TimeAsync(string part, Func<Task> work)
        {
            var start = Stopwatch.GetTimestamp();
            await work();
            parts.Add((part, Stopwatch.GetElapsedTime(start).TotalSeconds));
        }
    }

    private async Task<SuiteRow> DecodeAsync(string kind, int depth, int conversations, Action<string> say)
    {
        say($"Decoding, {conversations} x {depth} tokens");
        var rates = new List<double>();
        for (var run = 0; run < plan.Runs; run++)
            if ((await MeasureAsync(depth, conversations, plan.Tokens)).DecodeRate is { } rate) rates.Add(rate);
        var bytes = (await engine.ProfileStepAsync(conversations, 1, depth, cancellationToken)).Sum(family => family.Bytes);
        var median = rates.Count > 0 ? Spread.Of(rates).Median : double.NaN;
        return new SuiteRow(kind, depth, conversations, 1e3 * conversations / median, median, bytes, null);
    }

    private async Task<SuiteRow> PromptAsync(string kind, int length, Action<string> say)
    {
        say($"Reading {length} tokens");
        var seconds = new List<double>();
        for (var run = 0; run < plan.Runs; run++) seconds.Add((await MeasureAsync(length, 1, 2)).FirstTokenSeconds);
        var median = Spread.Of(seconds).Median;
        return new SuiteRow(kind, length, 1, 1e3 * median, length / median, null, await OperationsAsync(length));
    }

    /// <summary>Attention's part grows with the square of the length; everything else in step with it.</summary>
    private async Task<double> OperationsAsync(int length)
    {
        double sample = Math.Min(length, batchTokens), times = length / sample;
        var step = await engine.ProfileStepAsync(1, (int)sample, 0, cancellationToken);
        return step.Sum(family => family.Operations * (family.Family == "attention" ? times * times : family.Family == "logits" ? 1 : times));
    }

    private Task<BenchRun> MeasureAsync(int promptTokens, int conversations, int tokens) => BenchRun.MeasureAsync(
        engine, new BenchLoad(promptTokens, tokens, conversations).Requests(engine.ModelInfo.VocabularySize, _seed++), cancellationToken);
}
