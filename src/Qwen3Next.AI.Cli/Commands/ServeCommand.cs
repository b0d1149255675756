using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Qwen3Next.AI.Cli.Input;
using Qwen3Next.AI.Cli.Output;
using Qwen3Next.AI.Cli.Server;

namespace Qwen3Next.AI.Cli.Commands;

/// <summary><c>serve</c>: an OpenAI-compatible server over the same <see cref="Microsoft.Extensions.AI.IChatClient"/> that applications use.</summary>
internal sealed class ServeCommand
{
    private const string KeyVariable = "QWEN3NEXT_API_KEY";
    private const int DefaultPort = 8080, DefaultParallel = 8, DefaultQueue = 256, DefaultMegabytes = 8, DefaultMessages = 1024, DefaultSeconds = 600;

    private readonly Option<string?> _host = CliOption.Text("--host",
        "IP address to listen at. Default: 127.0.0.1, this machine only; any other needs an API key.", "ADDRESS");
    private readonly Option<int?> _port = CliOption.Number("--port", $"Default: {DefaultPort}. 0 takes any free one.", 0, 65535);
    private readonly Option<string?> _key = CliOption.Text("--api-key",
        $"Bearer token that requests must carry. Default: the environment variable {KeyVariable}, which other users of the machine cannot see.", "KEY");
    private readonly Option<bool> _open = new("--open-to-anyone") { Description = "Listen at another address without an API key: whoever reaches it may use the model." };
    private readonly Option<string?> _name = CliOption.Text("--model-id", "The model's name in requests and answers. Default: the folder's.", "NAME");
    private readonly Option<string?> _embedding = CliOption.Text("--embedding-model", "Folder of a Qwen3-Embedding checkpoint, for /v1/embeddings. Default: none.", "FOLDER");
    private readonly Option<int?> _parallel = CliOption.Number("--parallel", $"Requests computed together. Default: {DefaultParallel}.", 1, 1024);
    private readonly Option<int?> _queue = CliOption.Number("--queue", $"Requests that may wait; more are told to come back. Default: {DefaultQueue}.", 0, 1_000_000);
    private readonly Option<int?> _megabytes = CliOption.Number("--max-request-mb", $"Megabytes of a request. Default: {DefaultMegabytes}.", 1, 1024);
    private readonly Option<int?> _messages = CliOption.Number("--max-messages", $"Messages of a request. Default: {DefaultMessages}.", 1, 1_000_000);
    private readonly Option<int?> _seconds = CliOption.Number("--timeout", $"Seconds from a request to the end of its answer. Default: {DefaultSeconds}.", 1, 86_400);
    private readonly ModelOptions _model;
    private readonly Terminal _terminal;

    private ServeCommand(Command command, Terminal terminal)
    {
        _terminal = terminal;
        foreach (var option in new Option[] { _host, _port, _key, _open, _name, _embedding, _parallel, _queue, _megabytes, _messages, _seconds }) command.Add(option);
        _model = new ModelOptions(command);
        command.SetAction(RunAsync);
    }

    public static Command Create(Terminal terminal)
    {
        var command = new Command("serve", "Answers OpenAI's chat completions, completions and embeddings over HTTP, with a page to chat in. Ctrl+C stops it.");
        _ = new ServeCommand(command, terminal);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var options = Read(parsed);
        var model = _model.Read(parsed, parsed.GetValue(_parallel) ?? DefaultParallel);
        model.MaxQueueLength = parsed.GetValue(_queue) ?? DefaultQueue;
        model.ModelId = parsed.GetValue(_name);
        await using var engine = new Qwen3NextEngine(model);
        _ = engine.Tokenizer; // what is wrong with the small files is said before the weights are read
        await using var embedding = parsed.GetValue(_embedding) is { } folder ? EmbeddingEngine(folder, model) : null;
        await Progress.LoadAsync(_terminal, engine, cancellationToken);
        if (embedding is not null) await Progress.LoadAsync(_terminal, embedding, cancellationToken);

        using var client = new Qwen3NextChatClient(engine, model);
        using var generator = embedding is null ? null : new Qwen3NextEmbeddingGenerator(embedding);
        await using var app = ModelServer.Create(new ServedModel(client, generator), options);
        await app.StartAsync(cancellationToken);
        _terminal.Out.WriteLine($"{engine.ModelInfo.ModelId} answers at {string.Join(", ", app.Urls)}. Ctrl+C stops it.");
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    // The same machine; its room is its own.
    private static Qwen3NextEngine EmbeddingEngine(string folder, Qwen3NextOptions model) =>
        new(new Qwen3NextOptions { ModelPath = folder, Device = model.Device, GpuIndex = model.GpuIndex, Threads = model.Threads });

    private ServerOptions Read(ParseResult parsed)
    {
        var address = AddressOf(parsed.GetValue(_host) ?? "127.0.0.1");
        var key = parsed.GetValue(_key) ?? Environment.GetEnvironmentVariable(KeyVariable);
        if (key?.Length == 0) key = parsed.GetValue(_key) is null ? null : throw new UsageException("--api-key is empty; give a key, or leave the option out.");
        if (key?.Any(c => c is <= ' ' or > '~') is true)
            throw new UsageException("The API key has a space or a character outside ASCII, which headers cannot carry. Choose another.");
        if (!IPAddress.IsLoopback(address) && key is null && !parsed.GetValue(_open))
            throw new UsageException($"--host is {address}, where others can reach the model. Set an API key in {KeyVariable} or --api-key, or say --open-to-anyone.");
        return new ServerOptions
        {
            Address = address,
            Port = parsed.GetValue(_port) ?? DefaultPort,
            ApiKey = key,
            MaxRequestBytes = (long)(parsed.GetValue(_megabytes) ?? DefaultMegabytes) << 20,
            MaxMessages = parsed.GetValue(_messages) ?? DefaultMessages,
            RequestTimeout = TimeSpan.FromSeconds(parsed.GetValue(_seconds) ?? DefaultSeconds),
        };
    }

    private static IPAddress AddressOf(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
        : IPAddress.TryParse(host, out var address) ? address
        : throw new UsageException($"--host is '{host}'; it must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, or localhost.");
}
