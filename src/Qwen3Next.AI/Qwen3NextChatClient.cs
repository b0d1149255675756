using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Grammar;
using Qwen3Next.AI.Telemetry;
using Qwen3Next.AI.Tokenization;

namespace Qwen3Next.AI;

/// <summary>Chats with a Qwen3-Next model in this process.</summary>
/// <remarks>
/// <para>All members may be used by many threads at once; requests are computed together in one batch. The client keeps no conversation: send the
/// whole history every time. Nothing is computed on the calling thread, and the model is loaded by the first request.</para>
/// <para>Answers arrive as <see cref="TextReasoningContent"/> (thinking), <see cref="TextContent"/> and, complete and last, <see cref="FunctionCallContent"/>;
/// a call that is cut off or malformed becomes an <see cref="ErrorContent"/> with code <c>InvalidToolCall</c>. The last update carries the
/// <see cref="UsageContent"/>, the finish reason and the times <c>queue_ms</c>, <c>prefill_ms</c> and <c>decode_ms</c> in its additional properties.</para>
/// <para>JSON response formats, required tools and the parameters of all tools are enforced while the answer is written; only an answer that the token
/// budget cuts off is not complete. A schema that cannot be enforced is refused with a <see cref="NotSupportedException"/> that names the keyword.</para>
/// <para>Of <see cref="ChatOptions"/>, conversation ids and continuation tokens are refused with a <see cref="NotSupportedException"/>; a foreign model id
/// with an <see cref="ArgumentException"/>. <c>min_p</c>, <c>repetition_penalty</c>, <c>logit_bias</c>, <c>thinking_budget</c> and <c>enable_thinking</c> are read
/// from the additional properties; a <see cref="Qwen3NextGenerationOptions"/> from the raw representation factory wins over both.</para>
/// </remarks>
public sealed class Qwen3NextChatClient : IChatClient
{
    private readonly IQwen3NextEngine _engine;
    private readonly Qwen3NextOptions _options;
    private readonly ILogger _logger;
    private readonly Lazy<GrammarCache> _grammars;
    private readonly bool _ownsEngine;
    private volatile bool _disposed;

    /// <summary>Creates a client with an engine of its own; nothing is loaded yet.</summary>
    /// <param name="options">Which model to run, and how.</param>
    /// <param name="loggers">Where to log. Default: nowhere.</param>
    public Qwen3NextChatClient(Qwen3NextOptions options, ILoggerFactory? loggers = null)
        : this(new Qwen3NextEngine(options, loggers), options, loggers, ownsEngine: true)
    {
    }

    /// <summary>Creates a client over an engine.</summary>
    /// <param name="engine">Computes the answers; several clients may share it.</param>
    /// <param name="options">How messages are read: special tokens and unsupported content. Default: <see cref="Qwen3NextOptions"/> as it is created.</param>
    /// <param name="loggers">Where to log. Default: nowhere.</param>
    /// <param name="ownsEngine">Whether disposing the client disposes the engine. Default: false.</param>
    public Qwen3NextChatClient(IQwen3NextEngine engine, Qwen3NextOptions? options = null, ILoggerFactory? loggers = null, bool ownsEngine = false)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = engine;
        _options = options ?? new Qwen3NextOptions();
        _logger = loggers?.CreateLogger<Qwen3NextChatClient>() ?? NullLogger<Qwen3NextChatClient>.Instance;
        _grammars = new Lazy<GrammarCache>(() => new GrammarCache(engine.Tokenizer), LazyThreadSafetyMode.PublicationOnly);
        _ownsEngine = ownsEngine;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">An option or a content cannot be honoured; the message names it and the remedy.</exception>
    /// <exception cref="ContextLengthExceededException">The conversation does not fit into the context.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Errors other than those of the arguments are thrown while enumerating. Leaving the enumeration early ends the generation.</remarks>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_disposed, this);
        ChatMessage[] turns = [.. messages];
        return StreamAsync("chat", mapper => mapper.Map(turns, options), cancellationToken);
    }

    /// <summary>Continues a text without any prompt format: no messages, no thinking, no tools.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="options">As for a chat; instructions and tools are refused.</param>
    /// <param name="cancellationToken">Ends the generation early.</param>
    /// <returns>Updates as of a chat: text, then the last one with usage and finish reason.</returns>
    /// <exception cref="NotSupportedException">An option cannot be honoured; the message names it and the remedy.</exception>
    /// <exception cref="ContextLengthExceededException">The prompt does not fit into the context.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <remarks>Errors are thrown while enumerating. Leaving the enumeration early ends the generation.</remarks>
    public IAsyncEnumerable<ChatResponseUpdate> ContinueAsync(
        ReadOnlyMemory<int> prompt, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return StreamAsync("text_completion", mapper => mapper.Map(prompt, options), cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        string operation, Func<ChatRequestMapper, ChatRequest> map, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (telemetry, request, answer) = await Task.Run(() => Prepare(operation, map), cancellationToken).ConfigureAwait(false);
        using var _ = telemetry;
        var steps = _engine.GenerateAsync(request.Generation, cancellationToken).GetAsyncEnumerator(CancellationToken.None);
        await using (steps.ConfigureAwait(false))
        {
            while (!answer.Ended && await telemetry.WatchAsync(steps.MoveNextAsync()).ConfigureAwait(false))
            {
                if (steps.Current.Tokens.Length > 0) telemetry.TokensArrived();
                if (answer.Add(steps.Current) is { } update) yield return update;
            }
        }
        var rest = answer.Complete();
        telemetry.Complete(answer.Statistics.PromptTokens, answer.Statistics.CachedPromptTokens, answer.Statistics.OutputTokens,
            answer.Statistics.QueueTime, answer.Statistics.PrefillTime, answer.Statistics.DecodeTime, answer.FinishReason.Value);
        foreach (var update in rest) yield return update;
    }

    private (RequestTelemetry Telemetry, ChatRequest Request, ChatUpdateBuilder Answer) Prepare(string operation, Func<ChatRequestMapper, ChatRequest> map)
    {
        var (model, tokenizer) = (_engine.ModelInfo, _engine.Tokenizer);
        var telemetry = new RequestTelemetry(operation, model.ModelId);
        try
        {
            var request = map(new ChatRequestMapper(this, model, tokenizer, _grammars.Value, _options, _logger));
            return (telemetry, request, new ChatUpdateBuilder(request, tokenizer, model.ModelId, _logger));
        }
        catch (Exception e)
        {
            telemetry.Fail(e);
            telemetry.Dispose();
            throw;
        }
    }

    /// <summary>Gives this client, <see cref="ChatClientMetadata"/>, <see cref="IQwen3NextEngine"/>, <see cref="Qwen3NextModelInfo"/> or <see cref="Tokenizer"/>.</summary>
    /// <param name="serviceType">What is asked for.</param>
    /// <param name="serviceKey">Must be null; there are no keyed services.</param>
    /// <returns>The service, or null where there is none.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType.IsInstanceOfType(this)) return this;
        if (serviceType.IsInstanceOfType(_engine)) return _engine;
        // No address: telemetry would report a server that is not there.
        if (serviceType == typeof(ChatClientMetadata)) return new ChatClientMetadata(Qwen3NextTelemetry.ProviderName, null, _engine.ModelInfo.ModelId);
        if (serviceType == typeof(Qwen3NextModelInfo)) return _engine.ModelInfo;
        return serviceType == typeof(Tokenizer) ? _engine.Tokenizer : null;
    }

    /// <summary>Ends the use of this client, and of the engine where the client owns it. Not while requests run.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_ownsEngine) _engine.Dispose();
    }
}
