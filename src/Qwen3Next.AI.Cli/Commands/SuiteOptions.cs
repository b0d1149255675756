using System.CommandLine;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Measuring;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary>Options of <c>bench --suite</c>.</summary>
internal sealed class SuiteOptions
{
    private const int Longest = 1 << 20;

    private readonly Option<bool> _suite = new("--suite") { Description = "Measures decoding at several depths, many conversations, and the reading of prompts." };
    private readonly Option<int[]?> _depths = CliOption.Numbers("--depths", "Contexts to decode at, 0 for none. Default: 1024,4096,32768,131072,262144, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _streams = CliOption.Numbers("--streams", $"Conversations at the same time, each with {SuitePlan.StreamPrompt} tokens, 0 for none. Default: 8,32,64,256 with --device cuda, else 2.", 0, 1024);
    private readonly Option<int[]?> _prefills = CliOption.Numbers("--prefills", "Prompts to read, 0 for none. Default: 2048,8192,32768,131072, as the context allows.", 0, Longest);
    private readonly Option<int[]?> _firstTokens = CliOption.Numbers("--first-tokens", "Prompts until whose first token the time is taken, 0 for none. Default: 1024,131072, as the context allows.", 0, Longest);
    private readonly Option<string?> _svg = CliOption.Text("--svg", "Also draws decoding speed against context into this file.", "FILE");
    private readonly Option<double?> _peak = CliOption.Number("--peak-tflops", "What the device computes at best, to compare with.", 0.001, 1e6);

    public SuiteOptions(Command command)
    {
        foreach (var option in new Option[] { _suite, _depths, _streams, _prefills, _firstTokens, _svg, _peak }) command.Add(option);
    }

    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_suite);

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
        int[]? Asked(Option<int[]?> option) => parsed.GetResult(option) is null ? null : [.. parsed.GetValue(option)!.Where(value => value > 0)];
        return new SuitePlan(
            Asked(_depths) ?? Fitting(1024, 4096, 32768, 131072, 262144 - tokens),
            Asked(_streams) ?? (gpu ? [8, 32, 64, 256] : [2]),
            Asked(_prefills) ?? Fitting(2048, 8192, 32768, 131072),
            Asked(_firstTokens) ?? Fitting(1024, 131072),
            tokens, runs);
    }
}
