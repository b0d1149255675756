using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Measuring;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>bench</c>: how fast prompts are read and answers written.</summary>
internal sealed class BenchCommand
{
    private const int DefaultPrompt = 512, DefaultTokens = 128, DefaultRuns = 5, SuiteRuns = 3, CpuBatchTokens = 512, GpuBatchTokens = 8192;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(2);

    private readonly Option<int?> _prompt = CliOption.Number("--prompt-tokens", $"Length of each prompt; its tokens are random. Default: {DefaultPrompt}.", 1, 1 << 20);
    private readonly Option<int?> _tokens = CliOption.Number("--tokens", $"Tokens to generate, 2 or more. Default: {DefaultTokens}.", 2, 1 << 20);
    private readonly Option<int?> _batch = CliOption.Number("--batch", "Conversations at the same time. Default: 1.", 1, 1024);
    private readonly Option<int?> _runs = CliOption.Number("--runs", $"Measured runs, after two seconds of warm-up. Default: {DefaultRuns}.", 1, 1000);
    private readonly Option<double?> _accept = CliOption.Number("--force-acceptance",
        "Take this share of drafts for right, 0 to 1, whatever the model says: the speed of a model that guesses as well. The text is then meaningless.", 0.0, 1.0);
    private readonly Option<string> _format = CliOption.Choice("--format", "How to print the result.", "text", "json");
    private readonly SuiteOptions _suite;
    private readonly ModelOptions _model;
    private readonly Terminal _terminal;

    private BenchCommand(Command command, Terminal terminal)
    {
        _terminal = terminal;
        foreach (var option in new Option[] { _prompt, _tokens, _batch, _runs, _accept, _format }) command.Add(option);
        _suite = new SuiteOptions(command);
        _model = new ModelOptions(command);
        command.SetAction(RunAsync);
    }

    public static Command Create(Terminal terminal)
    {
        var command = new Command("bench", "Measures tokens per second: the median of several runs, with the least and the most.");
        _ = new BenchCommand(command, terminal);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (_suite.IsAsked(parsed) && _suite.IsServingAsked(parsed)) throw new UsageException("--suite and --serving are two measurements. Choose one.");
        if (_suite.IsAsked(parsed)) return await RunSuiteAsync(parsed, cancellationToken);
        if (_suite.IsServingAsked(parsed)) return await RunServingAsync(parsed, cancellationToken);
        var load = new BenchLoad(parsed.GetValue(_prompt) ?? DefaultPrompt, parsed.GetValue(_tokens) ?? DefaultTokens, parsed.GetValue(_batch) ?? 1, parsed.GetValue(_accept));
        var options = _model.Read(parsed, load.Batch);
        BenchLoad.Fit(options, load);
        await using var engine = new Qwen3NextEngine(options);
        await Progress.LoadAsync(_terminal, engine, cancellationToken);

        var count = parsed.GetValue(_runs) ?? DefaultRuns;
        var runs = await Progress.ShowAsync(_terminal, "Warming up", async say =>
        {
            Task<BenchRun> Measure(int seed) =>
                BenchRun.MeasureAsync(engine, load.Requests(engine.ModelInfo.VocabularySize, seed), cancellationToken);
            // The runtime optimises code that has been running for a while; what comes before is not the speed one gets.
            var started = Stopwatch.GetTimestamp();
            for (var i = 1; i == 1 || Stopwatch.GetElapsedTime(started) < s_warmUp; i++) await Measure(-i);
            var measured = new List<BenchRun>(count);
            while (measured.Count < count)
            {
                say($"Run {measured.Count + 1} of {count}");
                measured.Add(await Measure(measured.Count));
            }
            return measured;
        });
        _terminal.Out.WriteLine(parsed.GetValue(_format) == "json" ? Json(engine, load, runs) : Text(engine, load, runs));
        return 0;
    }

    private async Task<int> RunSuiteAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (options, gpu, context) = SuiteModel(parsed);
        var plan = _suite.Plan(parsed, gpu, context, parsed.GetValue(_tokens) ?? DefaultTokens, parsed.GetValue(_runs) ?? SuiteRuns);
        (options.MaxContextTokens, options.MaxConcurrentRequests) = (plan.Longest, plan.MostStreams);
        BenchLoad.Fit(options, new BenchLoad(plan.Longest - plan.Tokens, plan.Tokens, 1), new BenchLoad(SuitePlan.StreamPrompt, plan.Tokens, plan.MostStreams));
        await using var engine = new Qwen3NextEngine(options);
        var suite = new BenchSuite(engine, plan, options.MaxBatchTokens!.Value, cancellationToken);
        var result = await Progress.ShowAsync(_terminal, "Loading the model", say => suite.RunAsync(_suite.Peak(parsed), say));
        _terminal.Out.WriteLine(parsed.GetValue(_format) == "json" ? SuiteText.Json(result) : SuiteText.Table(result));
        if (_suite.Svg(parsed) is { } file) await File.WriteAllTextAsync(file, DecodePlot.Svg(result), cancellationToken);
        return 0;
    }

    private async Task<int> RunServingAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (options, gpu, context) = SuiteModel(parsed);
        if (options.DraftTokens > 0) throw new UsageException("--serving measures several numbers of drafts. Leave --drafts out, or 0 for none.");
        var plan = _suite.PlanServing(parsed, gpu, context, verifies: options.DummyWeights is null, parsed.GetValue(_tokens) ?? DefaultTokens, parsed.GetValue(_runs) ?? SuiteRuns);
        (options.MaxContextTokens, options.MaxConcurrentRequests) = (null, plan.MostStreams);
        BenchLoad.Fit(options, plan.Loads);
        await using var engine = new Qwen3NextEngine(options);
        var suite = new ServingSuite(engine, plan, cancellationToken);
        var result = await Progress.ShowAsync(_terminal, "Loading the model", suite.RunAsync);
        _terminal.Out.WriteLine(parsed.GetValue(_format) == "json" ? ServingText.Json(result) : ServingText.Table(result));
        return 0;
    }

    private (Qwen3NextOptions Options, bool Gpu, int Context) SuiteModel(ParseResult parsed)
    {
        var options = _model.Read(parsed);
        var gpu = options.Device == Qwen3NextDevice.Cuda;
        options.MaxBatchTokens = gpu ? GpuBatchTokens : CpuBatchTokens;
        using var engine = new Qwen3NextEngine(options);
        return (options, gpu, engine.ModelInfo.MaxContextTokens);
    }

    private static string Text(Qwen3NextEngine engine, BenchLoad load, List<BenchRun> runs) => $"""
        {engine.ModelInfo.ModelId} ({engine.ModelInfo.Architecture}), {engine.DeviceName}
        {load.Batch} x {load.PromptTokens} prompt tokens, {load.Batch} x {load.Tokens} generated; median (least to most) of {runs.Count} runs
        first token  {Spread.Of(runs.Select(r => r.FirstTokenSeconds))} s
        prefill      {Spread.Of(runs.Select(r => r.PrefillRate))} tokens/s
        decode       {(BenchRun.Rate(runs) is { } decode ? $"{decode} tokens/s" : "not measured: the answers were too short to overlap; raise --tokens")}
        drafts       {Drafts(load, runs)}
        """;

    private static string Json(Qwen3NextEngine engine, BenchLoad load, List<BenchRun> runs) => JsonText.Object(json =>
    {
        json.WriteString("model", engine.ModelInfo.ModelId);
        json.WriteString("architecture", engine.ModelInfo.Architecture);
        json.WriteString("device", engine.DeviceName);
        json.WriteNumber("prompt_tokens", load.PromptTokens);
        json.WriteNumber("tokens", load.Tokens);
        json.WriteNumber("batch", load.Batch);
        json.WriteNumber("runs", runs.Count);
        json.WriteSpread("first_token_seconds", Spread.Of(runs.Select(r => r.FirstTokenSeconds)));
        json.WriteSpread("prefill_tokens_per_second", Spread.Of(runs.Select(r => r.PrefillRate)));
        json.WriteSpread("decode_tokens_per_second", BenchRun.Rate(runs));
        json.WriteNumber("accepted_drafts", runs.Sum(r => r.AcceptedDrafts));
        json.WriteNumber("drafts", runs.Sum(r => r.Drafts));
        if (load.ForcedAcceptance is { } share) json.WriteNumber("forced_acceptance", share);
    });

    private static string Drafts(BenchLoad load, List<BenchRun> runs)
    {
        var drafts = runs.Sum(r => r.Drafts);
        if (drafts == 0) return "none";
        var share = string.Create(CultureInfo.InvariantCulture, $"{runs.Sum(r => r.AcceptedDrafts) / (double)drafts:0.00} of {drafts} right");
        return load.ForcedAcceptance is null ? share : $"{share}; FORCED acceptance, the text is meaningless";
    }
}
