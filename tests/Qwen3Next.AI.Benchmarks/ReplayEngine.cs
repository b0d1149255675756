using System.Diagnostics;
using System.Runtime.CompilerServices;
using Qwen3Next.AI.Engine;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI.Benchmarks;

/// <summary>Publishes given tokens one by one from a thread of its own, as an engine does, each when the one before has been taken.</summary>
internal sealed class ReplayEngine : IQwen3NextEngine
{
    private readonly int[] _answer;
    private readonly SemaphoreSlim _wanted = new(0);
    private readonly Thread _thread;
    private TokenStream _stream = new();
    private int _published;
    private volatile bool _stop;

    public ReplayEngine(Tokenizer tokenizer, int[] answer)
    {
        (Tokenizer, _answer) = (tokenizer, answer);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>When the last token was published.</summary>
    public long PublishedAt { get; private set; }

    public Tokenizer Tokenizer { get; }

    public Qwen3NextEngineStatus Status { get; } = new() { State = Qwen3NextEngineState.Ready };

    public Qwen3NextModelInfo ModelInfo { get; } = new()
    {
        ModelId = "replay",
        Format = Qwen3NextFormat.Instruct,
        Architecture = "qwen3_next",
        MaxContextTokens = 1 << 20,
        MaxOutputTokens = 1 << 20,
        VocabularySize = 4096,
        StopTokens = [],
        Defaults = new Qwen3NextGenerationOptions(),
    };

    public Task LoadAsync(IProgress<Qwen3NextLoadProgress>? progress = null, CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task DrainAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public async IAsyncEnumerable<GenerationStep> GenerateAsync(GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (_stream, _published) = (new TokenStream(), 0);
        for (var i = 0; i <= _answer.Length; i++)
        {
            _wanted.Release();
            yield return await _stream.ReadAsync().ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _stop = true;
        _wanted.Release();
        _thread.Join();
        _wanted.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private void Run()
    {
        while (true)
        {
            _wanted.Wait();
            if (_stop) return;
            PublishedAt = Stopwatch.GetTimestamp();
            if (_published < _answer.Length) _stream.Publish(_answer.AsMemory(0, ++_published), null);
            else _stream.Finish(GenerationFinish.Length, new GenerationStatistics { OutputTokens = _published });
        }
    }
}
