using System.CommandLine;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>logits</c>: what the model computes for given tokens, in a file that other implementations can be compared with.</summary>
internal static class LogitsCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("logits", "Writes the logits of a token sequence to a safetensors file: one tensor 'logits' [rows, vocabulary] F32.");
        var tokens = CliOption.Tokens("--tokens", "Token ids.");
        var rows = CliOption.Choice("--rows", "Logits of the last token or of all.", "last", "all");
        var output = CliOption.Text("--out", "The file to write; replaced if it exists.", "FILE");
        tokens.Required = output.Required = true;
        command.Add(tokens);
        command.Add(rows);
        command.Add(output);
        var model = new ModelOptions(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var engine = new Qwen3NextEngine(model.Read(parsed));
            var ids = parsed.GetRequiredValue(tokens)!.CheckedFor(engine.ModelInfo);
            await Progress.LoadAsync(terminal, engine, cancellationToken);
            var logits = await Progress.ShowAsync(terminal, $"Computing {ids.Length} tokens",
                _ => engine.ComputeLogitsAsync(ids, parsed.GetValue(rows) == "all", cancellationToken));
            var path = Path.GetFullPath(parsed.GetRequiredValue(output)!);
            logits.Save(path);
            terminal.Out.WriteLine($"{path}: logits [{logits.Rows}, {logits.VocabularySize}] F32");
            return 0;
        });
        return command;
    }
}
