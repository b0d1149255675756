using System.CommandLine;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Cli.Input;

/// <summary>What every command may say about the model and the machine.</summary>
internal sealed class ModelOptions
{
    private readonly Func<ParseResult, string?> _model;
    private readonly Option<string> _device = CliOption.Choice("--device", "Where to compute.", "auto", "cpu", "cuda");
    private readonly Option<int?> _threads = CliOption.Number("--threads", "CPU threads. Default: all cores.", 1, 1024);
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
    public Qwen3NextOptions Read(ParseResult parsed, int conversations = 1) => new()
    {
        ModelPath = _model(parsed) ?? TinyCheckpoint.Path,
        Device = Enum.Parse<Qwen3NextDevice>(parsed.GetRequiredValue(_device), ignoreCase: true),
        Threads = parsed.GetValue(_threads),
        MaxContextTokens = parsed.GetValue(_context),
        MaxConcurrentRequests = conversations,
    };

    private void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_threads);
        command.Add(_context);
    }
}
