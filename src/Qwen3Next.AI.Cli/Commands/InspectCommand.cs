using System.CommandLine;
using System.Globalization;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>inspect</c>: what a checkpoint is and what it would take of this machine, without reading a weight.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("inspect", "Shows what a checkpoint holds and what it would take of this machine's memory. Reads no weights.");
        var folder = new Argument<string?>("FOLDER") { Description = "Checkpoint folder. Default: the bundled tiny model.", Arity = ArgumentArity.ZeroOrOne };
        folder.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', ..] } word]) result.AddError($"Unrecognized option '{word.Value}'.");
        });
        var model = new ModelOptions(command, folder);
        command.SetAction(parsed =>
        {
            var options = model.Read(parsed, new Qwen3NextOptions().MaxConcurrentRequests);
            using var engine = new Qwen3NextEngine(options);
            foreach (var (name, value) in Facts(Qwen3NextCheckpointSummary.Read(options.ModelPath), engine))
                terminal.Out.WriteLine($"{terminal.Dim(name.PadRight(14))}{PlainText.Of(value)}");
            return 0;
        });
        return command;
    }

    private static IEnumerable<(string Name, string Value)> Facts(Qwen3NextCheckpointSummary summary, Qwen3NextEngine engine)
    {
        var info = engine.ModelInfo;
        yield return ("folder", summary.Folder);
        yield return ("architecture", $"{summary.Architecture}, prompt format {info.Format.ToString().ToLowerInvariant()}");
        yield return ("layers", Layers(summary));
        if (summary.Experts > 0) yield return ("experts", $"{summary.ActiveExperts} of {summary.Experts} per token, in {summary.MoeLayers} layers");
        yield return ("drafts", summary.MtpLayers > 0 ? $"one prediction module, {Count(summary.MtpParameters)} parameters" : "no prediction module");
        yield return ("parameters", $"{Count(summary.Parameters)}, of which {Count(summary.ActiveParameters)} compute for a token");
        yield return ("sizes", $"hidden {summary.HiddenSize}, vocabulary {summary.VocabularySize}, context {summary.MaxPositions} ({info.MaxContextTokens} used)");
        yield return ("formats", string.Join(", ", summary.BytesByType.Select(t => $"{t.Key} {Bytes(t.Value)}")) + (summary.Quantization is { } q ? $" ({q})" : ""));
        if (summary.UnusedTensors.Count > 0) yield return ("not used", string.Join(", ", summary.UnusedTensors));
        yield return ("machine", $"CPU, {Environment.ProcessorCount} cores, {Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} of memory");
        yield return ("memory", Plan(engine));
    }

    private static string Layers(Qwen3NextCheckpointSummary summary)
    {
        var kinds = summary.LayerTypes.GroupBy(kind => kind).Select(kind => $"{kind.Count()} {kind.Key}");
        var first = summary.LayerTypes.Take(8).Select(kind => kind == "full_attention" ? 'A' : 'D');
        return $"{summary.LayerTypes.Count}: {string.Join(", ", kinds)} ({string.Concat(first)}{(summary.LayerTypes.Count > 8 ? "..." : "")})";
    }

    /// <summary>A model that does not fit is an answer here, not a failure.</summary>
    private static string Plan(Qwen3NextEngine engine)
    {
        try
        {
            return engine.PlanMemory().ToString();
        }
        catch (Qwen3NextException e)
        {
            return $"does not fit: {e.Message}";
        }
    }

    private static string Count(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Bytes(long bytes) => (bytes / 1048576.0).ToString("0.0 MiB", CultureInfo.InvariantCulture);
}
