using System.CommandLine;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary>Options of <c>bench --suite</c> and <c>bench --serving</c>.</summary>
internal sealed class SuiteOptions
{
    private const int Longest = 1 << 20;

    private readonly Option<bool> _suite = new("--suite") { Description = "Measures decoding at several depths, many conversations, and the reading of prompts." };
    private readonly Option<bool> _serving = new("--serving") { Description = "Measures what a server meets: many conversations, second turns, drafts, states and GPU memory." };
    private readonly Option<int[]?> _depths = CliOption.Numbers("--depths", "Contexts to decode at, 0 for none. Default: 1024,4096,32768,131072,262144, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _streams = CliOption.Numbers("--streams",
        $"Conversations at the same time, each with {SuitePlan.StreamPrompt} tokens, 0 for none. Default: 8,32,64,256 with --device cuda, else 2. With --serving {ServingPlan.Prompt} tokens, and more numbers.", 0, 1024);
    private readonly Option<int[]?> _prefills = CliOption.Numbers("--prefills", "Prompts to read, 0 for none. Default: 2048,8192,32768,131072, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _firstTokens = CliOption.Numbers("--first-tokens", "Prompts until whose first token the time is taken, 0 for none. Default: 1024,131072, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _turns = CliOption.Numbers("--turns", "Prompts of first turns, whose conversations have a second one, 0 for none. Default: 1024,32768,131072 with --device cuda, else 1000,4000,8000, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _draftStreams = CliOption.Numbers("--draft-streams", "Conversations at the same time with drafts, 0 for none. Default: 1,8,32.", 0, 1024);
    private readonly Option<string?> _svg = CliOption.Text("--svg", "Also draws decoding speed against context into this file.", "FILE");
    private readonly Option<double?> _peak = CliOption.Number("--peak-tflops", "What the device computes at best, to compare with.", 0.001, 1e6);

    public SuiteOptions(Command command)
    {
        foreach (var option in new Option[] { _suite, _depths, _streams, _prefills, _firstTokens, _svg, _peak, _serving, _turns, _draftStreams }) command.Add(option);
    }

    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_suite);

    public bool IsServingAsked(ParseResult parsed) => parsed.GetValue(_serving);

    public string? Svg(ParseResult parsed) => parsed.GetValue(_svg);

    /// <summary>Operations per second.</summary>
    public double? Peak(ParseResult parsed) => parsed.GetValue(_peak) * 1e12;

    /// <param name="parsed">The command line.</param>
    /// <param name="gpu">Sets the defaults.</param>
    /// <param name="context">Longest context there can be.</param>
    /// <param name="tokens">Tokens to generate for each measurement of decoding.</param>
    /// <param name="runs">Runs for each measurement.</param>
    public SuitePlan Plan(ParseResult parsed, bool gpu, int context, int tokens, int runs)
    {
        int[] Fitting(params int[] lengths) => [.. lengths.Where(length => length + tokens <= context)];
        return new SuitePlan(
            Asked(parsed, _depths) ?? Fitting(1024, 4096, 32768, 131072, 262144 - tokens),
            Asked(parsed, _streams) ?? (gpu ? [8, 32, 64, 256] : [2]),
            Asked(parsed, _prefills) ?? Fitting(2048, 8192, 32768, 131072),
            Asked(parsed, _firstTokens) ?? Fitting(1024, 131072),
            tokens, runs);
    }

    /// <inheritdoc cref="Plan"/>
    /// <param name="verifies">Drafts of the weights may hold.</param>
    public ServingPlan PlanServing(ParseResult parsed, bool gpu, int context, bool verifies, int tokens, int runs)
    {
        int[] Fitting(params int[] lengths) => [.. lengths.Where(length => length + ServingPlan.AfterTurn <= context)];
        return new ServingPlan(
            Asked(parsed, _streams) ?? (gpu ? [1, 8, 32, 64, 256] : [1, 2, 4, 8, 16, 32, 64]),
            Asked(parsed, _turns) ?? (gpu ? Fitting(1024, 32768, 131072) : Fitting(1000, 4000, 8000)),
            Asked(parsed, _draftStreams) ?? [1, 8, 32],
            verifies, tokens, runs);
    }

    private static int[]? Asked(ParseResult parsed, Option<int[]?> option) =>
        parsed.GetResult(option) is null ? null : [.. parsed.GetValue(option)!.Where(value => value > 0)];
}
