using System.CommandLine;
using System.Text.Json;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>render</c>: the prompt that a model reads for given messages.</summary>
internal static class RenderCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("render", "Prints the exact prompt of a conversation to standard output and its token count to standard error. Reads no weights.");
        var messages = CliOption.Text("--messages", "JSON as OpenAI has it: an array of messages, or an object with messages, tools, add_generation_prompt and enable_thinking.", "FILE");
        var format = CliOption.Choice("--format", "json has prompt, tokens and token_count.", "text", "json");
        messages.Required = true;
        command.Add(messages);
        command.Add(format);
        var model = new ModelOptions(command);
        command.SetAction(parsed =>
        {
            using var engine = new Qwen3NextEngine(model.Read(parsed));
            var prompt = Qwen3NextPrompt.FromOpenAI(Read(parsed.GetRequiredValue(messages)!), engine);
            if (parsed.GetValue(format) == "json")
            {
                terminal.Out.WriteLine(Json(prompt));
                return;
            }
            terminal.Out.Write(terminal.Interactive ? PlainText.Of(prompt.Text) + Environment.NewLine : prompt.Text);
            terminal.Out.Flush();
            terminal.Error.WriteLine($"{prompt.Tokens.Count} tokens");
        });
        return command;
    }

    private static JsonElement Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new UsageException($"{path} is not JSON: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--messages cannot be read: {e.Message} Give a file with messages in JSON.");
        }
    }

    private static string Json(Qwen3NextPrompt prompt) => JsonText.Object(json =>
    {
        json.WriteString("prompt", prompt.Text);
        json.WriteNumber("token_count", prompt.Tokens.Count);
        json.WriteTokens("tokens", prompt.Tokens);
    });
}
