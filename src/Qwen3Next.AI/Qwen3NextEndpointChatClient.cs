using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Qwen3Next.AI.Chat;
using Qwen3Next.AI.Endpoint;
using Qwen3Next.AI.Telemetry;

namespace Qwen3Next.AI;

/// <summary>Chats with a Qwen3-Next model behind the OpenAI-compatible endpoint of a vLLM or SGLang server, the way <see cref="Qwen3NextChatClient"/> does in process.</summary>
/// <remarks>
/// <para>All members may be used by many threads at once. Options, messages, thinking, tool calls, usage and finish reasons mean what they mean in process; what
/// a server cannot do is refused by name. Thinking goes back to the server within a tool loop, which OpenAI's own clients leave out.</para>
/// <para>The server must split thinking and tool calls from the answer: vLLM with <c>--reasoning-parser</c>, <c>--enable-auto-tool-choice</c> and
/// <c>--tool-call-parser</c>, SGLang with <c>--reasoning-parser</c> and <c>--tool-call-parser</c>.</para>
/// </remarks>
public sealed class Qwen3NextEndpointChatClient : IChatClient
{
    private readonly HttpClient _http;
    private readonly Qwen3NextOptions _options;
    private readonly ILogger _logger;
    private readonly Uri _endpoint;
    private readonly string _model;

    /// <summary>Creates a client; nothing is sent yet.</summary>
    /// <param name="http">Sends the requests, with whatever retries it has; answers may take long, so its timeout should be infinite. It is not disposed.</param>
    /// <param name="options"><see cref="Qwen3NextOptions.Endpoint"/> and <see cref="Qwen3NextOptions.ModelId"/> are required; of the others, <see cref="Qwen3NextOptions.Defaults"/>,
    /// <see cref="Qwen3NextOptions.UnsupportedContent"/> and <see cref="Qwen3NextOptions.EndpointApiKey"/> count.</param>
    /// <param name="loggers">Where to log. Default: nowhere.</param>
    /// <exception cref="ArgumentException">There is no endpoint or no model id.</exception>
    public Qwen3NextEndpointChatClient(HttpClient http, Qwen3NextOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Endpoint is null || string.IsNullOrEmpty(options.ModelId))
            throw new ArgumentException("Endpoint and ModelId are both needed: where the server is, and which of its models to ask.", nameof(options));
        (_http, _options, _endpoint, _model) = (http, options, options.Endpoint, options.ModelId);
        _logger = loggers?.CreateLogger<Qwen3NextEndpointChatClient>() ?? NullLogger<Qwen3NextEndpointChatClient>.Instance;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">An option or a content cannot be honoured; the message names it and the remedy.</exception>
    /// <exception cref="ContextLengthExceededException">The conversation does not fit into the server's context.</exception>
    /// <exception cref="QueueFullException">The server is overloaded, also after retries.</exception>
    /// <exception cref="Qwen3NextException">The server cannot be reached, or failed.</exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Errors other than those of the arguments are thrown while enumerating. Leaving the enumeration early ends the request.</remarks>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync([.. messages], options, cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        ChatMessage[] messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var answer = new AnswerReader(_model, options?.Reasoning?.Output is not ReasoningOutput.None, options?.AllowMultipleToolCalls is false, _logger);
        using var response = await SendAsync(Body(messages, options), cancellationToken).ConfigureAwait(false);
        using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var pieces = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(CancellationToken.None);
        await using (pieces.ConfigureAwait(false))
        {
            while (await NextAsync(pieces).ConfigureAwait(false) && pieces.Current.Data != "[DONE]")
                if (answer.Add(Parse(pieces.Current.Data)) is { } update) yield return update;
        }
        foreach (var update in answer.Complete()) yield return update;
    }

    private byte[] Body(ChatMessage[] messages, ChatOptions? options)
    {
        if (options is not null) ChatOptionsGuard.Check(options, _model);
        var raw = options?.RawRepresentationFactory?.Invoke(this) as Qwen3NextGenerationOptions;
        var settings = GenerationSettings.Merge(options, raw, _options.Defaults);
        GenerationSettings.Sampling(settings); // checks the ranges
        if (settings.ThinkingBudget is not null) throw Refuse("ThinkingBudget (thinking_budget)", "Limit the whole answer by MaxOutputTokens");
        if (settings.Pattern is not null) throw Refuse("Pattern", "Ask for JSON of a schema");
        var tools = options?.ToolMode is NoneChatToolMode ? [] : ToolDeclarations.From(options?.Tools, _logger);
        var turns = new MessageMapper(_options.UnsupportedContent, _logger).Map(messages, options?.Instructions);
        return RequestBody.Write(_model, turns, tools, options, settings);
    }

    private async Task<HttpResponseMessage> SendAsync(byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_endpoint.AbsoluteUri.TrimEnd('/')}/chat/completions") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_options.EndpointApiKey is { Length: > 0 } key) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new Qwen3NextException($"{_endpoint} cannot be reached: {e.Message} Check that the server runs and that Endpoint is right.", e);
        }
        if (response.IsSuccessStatusCode) return response;
        using (response) throw await EndpointErrors.ReadAsync(response, _endpoint, _model, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> NextAsync(IAsyncEnumerator<SseItem<string>> pieces)
    {
        try
        {
            return await pieces.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new Qwen3NextException($"The connection to {_endpoint} broke in the middle of an answer: {e.Message} Send the request again.", e);
        }
    }

    private JsonElement Parse(string data)
    {
        try
        {
            var piece = JsonElement.Parse(data);
            if (piece.ValueKind != JsonValueKind.Object) throw new JsonException($"a piece is {piece.ValueKind}, not an object.");
            return EndpointErrors.InStream(piece, _endpoint) is { } error ? throw error : piece;
        }
        catch (JsonException e)
        {
            throw new Qwen3NextException($"{_endpoint} does not stream chat completions: {e.Message} Check that it is a vLLM or SGLang server.", e);
        }
    }

    private static NotSupportedException Refuse(string option, string remedy) =>
        new($"{option} is set, but servers behind an endpoint have nothing of the kind. {remedy}, or run the model in this process.");

    /// <summary>Gives this client, or <see cref="ChatClientMetadata"/>.</summary>
    /// <param name="serviceType">What is asked for.</param>
    /// <param name="serviceKey">Must be null; there are no keyed services.</param>
    /// <returns>The service, or null where there is none.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(Qwen3NextTelemetry.ProviderName, _endpoint, _model) : null;
    }

    /// <summary>Does nothing: the client owns nothing.</summary>
    public void Dispose()
    {
    }
}
