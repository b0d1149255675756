using System.CommandLine;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Cli.Input;

/// <summary>What every command may say about the model and the machine.</summary>
internal sealed class ModelOptions
{
    private readonly Func<ParseResult, string?> _model;
    private readonly Option<string> _device = CliOption.Choice("--device", "Where to compute.", "auto", "cpu", "cuda");
    private readonly Option<int?> _gpu = CliOption.Number("--gpu", "Which GPU. Default: 0.", 0, 1023);
    private readonly Option<string> _weights = CliOption.Choice("--weights", "What large matrices are kept in; fp8 converts at load on a GPU.", "stored", "fp8");
    private readonly Option<string> _kv = CliOption.Choice("--kv-cache", "What keys and values are kept in; bf16 and fp8 are for GPUs.", "auto", "bf16", "fp8");
    private readonly Option<bool> _dummy = new("--dummy-weights") { Description = "Made-up weights of --model-config in place of a checkpoint, for measuring." };
    private readonly Option<string?> _shape = CliOption.Text("--model-config",
        "Shape of the made-up weights: qwen3-next-80b-a3b, qwen3-30b-a3b, qwen3-32b, or a folder with config.json. Default: the first.", "SHAPE");
    private readonly Option<int?> _layers = CliOption.Number("--layers", "Only so many of the shape's first layers. Default: all.", 1, 10_000);
    private readonly Option<int?> _threads = CliOption.Number("--threads", "CPU threads. Default: all cores.", 1, 1024);
    private readonly Option<int?> _drafts = CliOption.Number("--drafts", "Tokens guessed ahead in a step, 0 to 4. Default: as many as pay.", 0, 4);
    private readonly Option<int?> _context = CliOption.Number("--context", "Longest prompt plus answer, in tokens. Default: the model's, at most 32768.", 16, 1 << 20);

    /// <summary>Adds the options to a command that takes the model as <c>--model</c>.</summary>
    public ModelOptions(Command command)
    {
        var model = CliOption.Text("--model", "Checkpoint folder. Default: the bundled tiny model.", "FOLDER");
        command.Add(model);
        AddTo(command);
        _model = parsed => parsed.GetValue(model);
    }

    /// <summary>Adds the options to a command that takes the model as an argument.</summary>
    public ModelOptions(Command command, Argument<string?> folder)
    {
        command.Add(folder);
        AddTo(command);
        _model = parsed => parsed.GetValue(folder);
    }

    /// <summary>Engine options for a number of conversations at once.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public Qwen3NextOptions Read(ParseResult parsed, int conversations = 1) => new()
    {
        ModelPath = _model(parsed) ?? TinyCheckpoint.Path,
        DummyWeights = Dummy(parsed),
        GpuIndex = parsed.GetValue(_gpu) ?? 0,
        WeightType = parsed.GetValue(_weights) == "fp8" ? Qwen3NextWeightType.Float8 : Qwen3NextWeightType.AsStored,
        KvCacheType = parsed.GetValue(_kv) switch
        {
            "bf16" => Qwen3NextKvCacheType.BFloat16,
            "fp8" => Qwen3NextKvCacheType.Float8,
            _ => Qwen3NextKvCacheType.Auto,
        },
        Device = Enum.Parse<Qwen3NextDevice>(parsed.GetRequiredValue(_device), ignoreCase: true),
        Threads = parsed.GetValue(_threads),
        MaxContextTokens = parsed.GetValue(_context),
        DraftTokens = parsed.GetValue(_drafts),
        MaxConcurrentRequests = conversations,
    };

    private Qwen3NextDummyWeights? Dummy(ParseResult parsed)
    {
        var (shape, layers) = (parsed.GetValue(_shape), parsed.GetValue(_layers));
        if (parsed.GetValue(_dummy)) return new Qwen3NextDummyWeights { Model = shape ?? "qwen3-next-80b-a3b", Layers = layers };
        if (shape is not null || layers is not null) throw new UsageException("--model-config and --layers describe made-up weights. Add --dummy-weights.");
        return null;
    }

    private void AddTo(Command command)
    {
        foreach (var option in new Option[] { _device, _gpu, _weights, _kv, _threads, _context, _drafts, _dummy, _shape, _layers }) command.Add(option);
    }
}
