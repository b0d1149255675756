using System.CommandLine;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Chat;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Cli.Tools;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>chat</c>: a conversation, through the same <see cref="IChatClient"/> that applications use.</summary>
internal sealed class ChatCommand
{
    // A model that calls tools again and again gets no further.
    private const int MostToolRounds = 8;

    private readonly Option<string?> _prompt = CliOption.Text("--prompt", "Answer this once and exit. Default: read questions line by line.");
    private readonly Option<string?> _system = CliOption.Text("--system", "How the model shall behave.");
    private readonly Option<float?> _temperature = CliOption.Number("--temperature", "0 takes the most likely token always. Default: the checkpoint's.", 0f, 100f);
    private readonly Option<long?> _seed = CliOption.Number("--seed", "Seed of the draws. Default: a fresh one.", long.MinValue, long.MaxValue);
    private readonly Option<int?> _maxTokens = CliOption.Number("--max-tokens", "Most tokens of an answer, thinking included. Default: the checkpoint's.", 1, 1 << 20);
    private readonly Option<bool> _noTools = new("--no-tools") { Description = "Offer the model neither clock nor calculator." };
    private readonly ModelOptions _model;
    private readonly Terminal _terminal;

    private ChatCommand(Command command, Terminal terminal)
    {
        _terminal = terminal;
        foreach (var option in new Option[] { _prompt, _system, _temperature, _seed, _maxTokens, _noTools }) command.Add(option);
        _model = new ModelOptions(command);
        command.SetAction(RunAsync);
    }

    public static Command Create(Terminal terminal)
    {
        var command = new Command("chat", "Talks with a model that can read the clock and calculate. /reset forgets the conversation, /exit leaves, Ctrl+C stops an answer.");
        _ = new ChatCommand(command, terminal);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_prompt) is { } text && string.IsNullOrWhiteSpace(text)) throw new UsageException("--prompt is empty; give a question.");
        var options = _model.Read(parsed);
        await using var engine = new Qwen3NextEngine(options);
        _ = engine.Tokenizer; // what is wrong with the small files is said before the weights are read
        await Progress.LoadAsync(_terminal, engine, cancellationToken);
        using var client = new Qwen3NextChatClient(engine, options).AsBuilder()
            .UseFunctionInvocation(configure: invocation => invocation.MaximumIterationsPerRequest = MostToolRounds).Build();
        var session = new ChatSession(client, AnswerOptions(parsed), parsed.GetValue(_system), _terminal);

        if (parsed.GetValue(_prompt) is { } question)
        {
            await session.AskAsync(question, cancellationToken);
            return 0;
        }
        if (_terminal.Interactive)
            _terminal.Out.WriteLine(_terminal.Dim($"{engine.ModelInfo.ModelId}. /reset forgets the conversation, /exit leaves, Ctrl+C stops an answer."));
        return await new Conversation(session, _terminal).RunAsync(cancellationToken);
    }

    private ChatOptions AnswerOptions(ParseResult parsed) => new()
    {
        Temperature = parsed.GetValue(_temperature),
        Seed = parsed.GetValue(_seed),
        MaxOutputTokens = parsed.GetValue(_maxTokens),
        Tools = parsed.GetValue(_noTools) ? null : BuiltInTool.All(TimeProvider.System),
    };
}
