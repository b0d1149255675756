using System.Runtime.CompilerServices;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Tests.Chat;

/// <summary>Replays answers step by step in place of a model, and records what it was asked. Each text of an answer is one step; scripts are used in turn.</summary>
internal sealed class ScriptedEngine(Qwen3NextFormat format = Qwen3NextFormat.Instruct) : IQwen3NextEngine
{
    private readonly Queue<Script> _scripts = [];
    private readonly Lock _lock = new();

    private sealed record Script(int[][] Steps, bool Hangs);

    public List<GenerationRequest> Requests { get; } = [];

    /// <summary>Prompts as text, control tokens included.</summary>
    public List<string> Prompts { get; } = [];

    public int Running { get; private set; }

    /// <summary>Generations that were cancelled or left before their end.</summary>
    public int Abandoned { get; private set; }

    public bool Disposed { get; private set; }

    /// <summary>Thread that asked for the first token of the last request.</summary>
    public int CallingThread { get; private set; }

    public int CachedTokens { get; set; }

    public TaskCompletionSource Hanging { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Tokenizer Tokenizer => ByteTokenizer.Instance;

    public Qwen3NextModelInfo ModelInfo { get; set; } = new()
    {
        ModelId = "scripted",
        Format = format,
        Architecture = "qwen3_next",
        MaxContextTokens = 4096,
        MaxOutputTokens = 1000,
        VocabularySize = 282,
        StopTokens = [256, 258],
        Defaults = new Qwen3NextGenerationOptions { Temperature = 0.7f, TopP = 0.8f, TopK = 20 },
    };

    public ScriptedEngine Reply(params string[] steps) => Enqueue([.. steps.Select(s => Tokenizer.Encode(s, parseSpecialTokens: true))], hangs: false);

    public ScriptedEngine ReplyTokens(params int[][] steps) => Enqueue(steps, hangs: false);

    /// <summary>An answer that never goes on after its steps.</summary>
    public ScriptedEngine ReplyAndHang(params string[] steps) => Enqueue([.. steps.Select(s => Tokenizer.Encode(s, parseSpecialTokens: true))], hangs: true);

    public Qwen3NextEngineStatus Status { get; set; } = new() { State = Qwen3NextEngineState.Ready };

    /// <summary>Whether the load was asked for; it reports three parts of progress.</summary>
    public bool Loaded { get; private set; }

    public bool Draining { get; private set; }

    public async Task LoadAsync(IProgress<Qwen3NextLoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        for (var part = 1; part <= 3; part++)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new Qwen3NextLoadProgress(part << 20, 3 << 20));
        }
        Loaded = true;
    }

    /// <summary>Waits until nothing runs.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        Draining = true;
        while (Running > 0) await Task.Delay(5, cancellationToken);
    }

    public async IAsyncEnumerable<GenerationStep> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Script script;
        lock (_lock)
        {
            Requests.Add(request);
            Prompts.Add(Tokenizer.Decode(request.Prompt.Span));
            script = _scripts.Dequeue();
            CallingThread = Environment.CurrentManagedThreadId;
            Running++;
        }
        var (ended, tokens) = (false, 0);
        try
        {
            foreach (var step in script.Steps)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                var part = step[..Math.Min(step.Length, request.MaxTokens - tokens)];
                tokens += part.Length;
                if (part.Length > 0)
                    yield return new GenerationStep(part, GenerationFinish.None, tokens == part.Length ? Statistics(request, tokens, TimeSpan.Zero) : null);
                if (tokens == request.MaxTokens) break;
            }
            if (script.Hangs)
            {
                Hanging.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            ended = true;
            var finish = tokens == request.MaxTokens ? GenerationFinish.Length : GenerationFinish.Stop;
            yield return new GenerationStep(default, finish, Statistics(request, tokens + (finish == GenerationFinish.Stop ? 1 : 0), TimeSpan.FromMilliseconds(3)));
        }
        finally
        {
            lock (_lock)
            {
                Running--;
                if (!ended) Abandoned++;
            }
        }
    }

    public void Dispose() => Disposed = true;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private GenerationStatistics Statistics(GenerationRequest request, int tokens, TimeSpan decode) => new()
    {
        PromptTokens = request.Prompt.Length,
        CachedPromptTokens = CachedTokens,
        OutputTokens = tokens,
        QueueTime = TimeSpan.FromMilliseconds(1),
        PrefillTime = TimeSpan.FromMilliseconds(2),
        DecodeTime = decode,
    };

    private ScriptedEngine Enqueue(int[][] steps, bool hangs)
    {
        _scripts.Enqueue(new Script(steps, hangs));
        return this;
    }
}
