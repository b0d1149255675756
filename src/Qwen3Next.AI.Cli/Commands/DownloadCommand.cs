using System.CommandLine;
using Qwen3Next.AI.Cli.Download;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>download</c>: a checkpoint from a hub into a plain folder that every <c>--model</c> takes.</summary>
internal sealed class DownloadCommand
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60), s_firstPause = TimeSpan.FromSeconds(1);

    private readonly Argument<string> _model = new("MODEL") { Description = "Name of the model, as in Qwen/Qwen3-Next-80B-A3B-Instruct." };
    private readonly Option<string?> _from = CliOption.Text("--from", "huggingface, modelscope, or the address of a server that answers like Hugging Face. Default: huggingface.", "SOURCE");
    private readonly Option<string?> _revision = CliOption.Text("--revision", "Branch, tag or commit. Default: the hub's main branch.");
    private readonly Option<string?> _to = CliOption.Text("--to", "Folder. Default: the model's name without its owner, here.", "FOLDER");
    private readonly Option<string?> _token = CliOption.Text("--token-variable",
        "Environment variable with an access token. Default: HF_TOKEN for huggingface, MODELSCOPE_API_TOKEN for modelscope, none for an address.", "NAME");
    private readonly Option<int?> _parallel = CliOption.Number("--parallel", "Files at a time. Default: 4.", 1, 16);
    private readonly Terminal _terminal;

    private DownloadCommand(Command command, Terminal terminal)
    {
        _terminal = terminal;
        command.Add(_model);
        foreach (var option in new Option[] { _from, _revision, _to, _token, _parallel }) command.Add(option);
        command.SetAction(RunAsync);
    }

    public static Command Create(Terminal terminal)
    {
        var command = new Command("download", "Fetches a checkpoint from a model hub, verifies it, and goes on where an earlier download ended.");
        _ = new DownloadCommand(command, terminal);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var model = parsed.GetRequiredValue(_model);
        if (!ModelHub.IsModelName(model)) throw new UsageException($"MODEL is '{model}'; it must be owner/name, as in Qwen/Qwen3-Next-80B-A3B-Instruct.");
        var source = DownloadSource.Parse(parsed.GetValue(_from) ?? DownloadSource.HuggingFace, parsed.GetValue(_token));
        using var http = new HubHttp(source.Address, source.Token, s_silence);
        var hub = source.Open(http);
        var retries = new Retries(s_firstPause);

        var files = await Progress.ShowAsync(_terminal, $"Asking {source.Address.Host}", _ =>
            retries.RunAsync(() => hub.ListAsync(model, parsed.GetValue(_revision) ?? hub.DefaultRevision, cancellationToken), () => 0, cancellationToken));
        HubFileNames.Check(files, model);
        using var folder = new DownloadFolder(parsed.GetValue(_to) ?? model[(model.IndexOf('/') + 1)..]);
        try
        {
            await Progress.ShowAsync(_terminal, "Downloading", async say =>
            {
                var progress = new DownloadProgress(say, line => { if (!_terminal.ShowsProgress) _terminal.Error.WriteLine(line); });
                await new ModelDownload(http, retries).RunAsync(files, folder, parsed.GetValue(_parallel) ?? 4, progress, cancellationToken);
                return true;
            });
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _terminal.Error.WriteLine("Stopped. The same command goes on from here.");
            throw;
        }
        _terminal.Out.WriteLine(folder.Path);
        return 0;
    }
}
