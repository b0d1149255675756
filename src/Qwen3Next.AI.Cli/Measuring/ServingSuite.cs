using System.Globalization;
using Qwen3Next.AI.Engine;

namespace Qwen3Next.AI.Cli.Measuring;

/// <summary>What the serving suite measures.</summary>
/// <param name="Streams">Numbers of conversations at once.</param>
/// <param name="Turns">Prompts of first turns.</param>
/// <param name="DraftStreams">Numbers of conversations with drafts.</param>
/// <param name="Verifies">Fixed numbers of drafts are verified too: made-up weights have none that hold.</param>
/// <param name="Tokens">Of each answer.</param>
/// <param name="Runs">Of each line.</param>
internal sealed record ServingPlan(int[] Streams, int[] Turns, int[] DraftStreams, bool Verifies, int Tokens, int Runs)
{
    public const int Prompt = 64, Answer = 32, Question = 20;

    /// <summary>What a first turn's prompt leaves to the rest of its conversation.</summary>
    public const int AfterTurn = Answer + Question + Answer;

    public int MostStreams => Streams.Concat(DraftStreams).Append(1).Max();

    public BenchLoad[] Loads => [new(Prompt, Tokens, MostStreams), .. Turns.Select(length => new BenchLoad(length, AfterTurn, 1))];
}

/// <summary>Measures what a server meets, on one load of the model: many conversations, second turns, drafts, states and memory.</summary>
internal sealed class ServingSuite(Qwen3NextEngine engine, ServingPlan plan, CancellationToken cancellationToken)
{
    private const int WarmUpTokens = 16, WarmUpTurn = 512;

    private static readonly int[] s_fixedDrafts = [1, 2, 3];
    private static readonly double[] s_acceptances = [0.6, 0.8, 0.95];

    private int _seed;

    /// <summary>Loads the model, measures and disposes the engine.</summary>
    /// <param name="say">Told what is being measured.</param>
    public async Task<ServingResult> RunAsync(Action<string> say)
    {
        say("Loading the model");
        var (planned, before) = (engine.PlanMemory().Total, engine.MeasureFreeMemory());
        await engine.LoadAsync(null, cancellationToken);
        var (device, workspace, loaded) = (engine.DeviceName!, engine.MemoryPlan!.Workspace, engine.MeasureFreeMemory());
        say("Warming up");
        if (plan.Turns.Length > 0) await TurnAsync(Math.Min(WarmUpTurn, plan.Turns.Min()));
        var turns = new List<TurnRow>();
        foreach (var length in plan.Turns) turns.Add(await TurnsAsync(length, say));
        var canDraft = await engine.SetDraftTokensAsync(0, cancellationToken);
        var streams = new List<StreamRow>();
        foreach (var conversations in plan.Streams) streams.Add(await StreamsAsync(conversations, say));
        var drafts = new List<DraftRow>();
        if (canDraft)
            foreach (var (conversations, count, acceptance) in plan.DraftStreams.SelectMany(DraftCases)) drafts.Add(await DraftsAsync(conversations, count, acceptance, say));
        var state = await engine.MeasureStateCopyAsync(cancellationToken);
        var measured = engine.MeasureFreeMemory();
        await engine.DisposeAsync();
        var memory = before is null ? null : new MemoryUse(before.Value, loaded!.Value, measured!.Value, engine.MeasureFreeMemory()!.Value, planned, workspace);
        return new ServingResult(engine.ModelInfo.ModelId, device, plan.Runs, memory, state, streams, turns, drafts);
    }

    private async Task<StreamRow> StreamsAsync(int conversations, Action<string> say)
    {
        say($"{conversations} conversations");
        var load = new BenchLoad(ServingPlan.Prompt, plan.Tokens, conversations);
        await MeasureAsync(load with { Tokens = WarmUpTokens });
        var before = engine.Status;
        var runs = await RunsAsync(load);
        var after = engine.Status;
        return new StreamRow(conversations, BenchRun.Rate(runs), (after.HostTime - before.HostTime) / Math.Max(1, after.Steps - before.Steps));
    }

    private async Task<TurnRow> TurnsAsync(int length, Action<string> say)
    {
        say($"Two turns, {length} tokens");
        var turns = new List<(BenchRun First, BenchRun Second)>();
        while (turns.Count < plan.Runs) turns.Add(await TurnAsync(length));
        return new TurnRow(length, Spread.Of(turns.Select(t => 1e3 * t.First.FirstTokenSeconds)), Spread.Of(turns.Select(t => 1e3 * t.Second.FirstTokenSeconds)),
            length + ServingPlan.Answer + ServingPlan.Question, turns.Min(t => t.Second.CachedTokens));
    }

    private async Task<(BenchRun First, BenchRun Second)> TurnAsync(int length)
    {
        var request = Requests(new BenchLoad(length, ServingPlan.Answer, 1))[0];
        var first = await BenchRun.MeasureAsync(engine, [request], cancellationToken);
        int[] question = [.. request.Prompt.Span, .. first.Answers[0], .. Requests(new BenchLoad(ServingPlan.Question, 1, 1))[0].Prompt.Span];
        return (first, await BenchRun.MeasureAsync(engine, [request with { Prompt = question }], cancellationToken));
    }

    /// <summary>None, as many as pay, and fixed numbers; verified, and with forced acceptance.</summary>
    private IEnumerable<(int Conversations, int? Drafts, double? Acceptance)> DraftCases(int conversations)
    {
        yield return (conversations, 0, null);
        foreach (var drafts in s_fixedDrafts.Select(count => (int?)count).Prepend(null))
        {
            if (drafts is null || plan.Verifies) yield return (conversations, drafts, null);
            foreach (var acceptance in s_acceptances) yield return (conversations, drafts, acceptance);
        }
    }

    private async Task<DraftRow> DraftsAsync(int conversations, int? drafts, double? acceptance, Action<string> say)
    {
        say(string.Create(CultureInfo.InvariantCulture, $"{conversations} conversations, drafts: {(drafts is null ? "default" : drafts)}, acceptance: {(acceptance is null ? "verified" : acceptance)}"));
        await engine.SetDraftTokensAsync(drafts, cancellationToken);
        var load = new BenchLoad(ServingPlan.Prompt, plan.Tokens, conversations, acceptance);
        // Where the engine chooses how many, a whole run tells it what they are worth.
        await MeasureAsync(drafts is null ? load : load with { Tokens = WarmUpTokens });
        var runs = await RunsAsync(load);
        return new DraftRow(conversations, drafts, acceptance, BenchRun.Rate(runs), runs.Sum(r => r.Drafts), runs.Sum(r => r.AcceptedDrafts));
    }

    private async Task<List<BenchRun>> RunsAsync(BenchLoad load)
    {
        var runs = new List<BenchRun>();
        while (runs.Count < plan.Runs) runs.Add(await MeasureAsync(load));
        return runs;
    }

    private Task<BenchRun> MeasureAsync(BenchLoad load) => BenchRun.MeasureAsync(engine, Requests(load), cancellationToken);

    private GenerationRequest[] Requests(BenchLoad load) => load.Requests(engine.ModelInfo.VocabularySize, _seed++);
}
