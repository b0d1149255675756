using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;

namespace Qwen3Next.AI.SemanticKernel;

/// <summary>A Qwen3-Next model as Semantic Kernel's chat completion service. Thinking stays, in both directions, as <c>ReasoningContent</c>.</summary>
/// <remarks>
/// <para>All members may be used by many threads at once. Functions are invoked by the kernel with all its filters, also where the given client has
/// function invocation of its own: only the model's client inside it is used. Messages of the tool loop are added to the history; the last one is returned.</para>
/// <para>Metadata holds <c>Usage</c> (<see cref="UsageDetails"/>), <c>FinishReason</c>, <c>Id</c>, <c>CreatedAt</c> and the times of the last answer; inner content is the
/// <see cref="ChatResponse"/> or <see cref="ChatResponseUpdate"/>.</para>
/// </remarks>
public sealed class Qwen3NextChatCompletionService : IChatCompletionService
{
    private readonly IChatClient _pipeline;

    /// <summary>Creates the service over a client.</summary>
    /// <param name="chatClient">A <see cref="Qwen3NextChatClient"/> or <see cref="Qwen3NextEndpointChatClient"/>, or a pipeline around one. It is not disposed.</param>
    /// <param name="loggers">Where to log. Default: nowhere.</param>
    /// <param name="services">Given to functions that ask for services. Default: none.</param>
    /// <exception cref="ArgumentException">There is neither in the pipeline.</exception>
    public Qwen3NextChatCompletionService(IChatClient chatClient, ILoggerFactory? loggers = null, IServiceProvider? services = null)
    {
        ArgumentNullException.ThrowIfNull(chatClient);
        var client = (IChatClient?)chatClient.GetService<Qwen3NextChatClient>() ?? chatClient.GetService<Qwen3NextEndpointChatClient>()
            ?? throw new ArgumentException($"{chatClient.GetType().Name} does not lead to a {nameof(Qwen3NextChatClient)}. Register one by AddQwen3Next().", nameof(chatClient));
        _pipeline = client.AsBuilder().UseKernelFunctionInvocation(loggers).Build(services);
        Attributes = new Dictionary<string, object?> { [AIServiceExtensions.ModelIdKey] = client.GetService<ChatClientMetadata>()?.DefaultModelId };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, object?> Attributes { get; }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ChatMessageContent>> GetChatMessageContentsAsync(
        ChatHistory chatHistory, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(chatHistory);
        var content = new KernelContentMapper(kernel);
        var response = await _pipeline.GetResponseAsync(KernelContentMapper.ToMessages(chatHistory), Options(executionSettings, kernel), cancellationToken).ConfigureAwait(false);
        AddToolLoop(chatHistory, response, content);
        var answer = content.FromMessage(response.Messages[^1], response);
        answer.Metadata = Metadata(response.ResponseId, response.CreatedAt, response.FinishReason, response.Usage, response.Messages[^1].AdditionalProperties);
        return [answer];
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<StreamingChatMessageContent> GetStreamingChatMessageContentsAsync(
        ChatHistory chatHistory, PromptExecutionSettings? executionSettings = null, Kernel? kernel = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(chatHistory);
        return StreamAsync(chatHistory, executionSettings, kernel, cancellationToken);
    }

    private async IAsyncEnumerable<StreamingChatMessageContent> StreamAsync(
        ChatHistory history, PromptExecutionSettings? settings, Kernel? kernel, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var content = new KernelContentMapper(kernel);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in _pipeline.GetStreamingResponseAsync(KernelContentMapper.ToMessages(history), Options(settings, kernel), cancellationToken).ConfigureAwait(false))
        {
            updates.Add(update);
            var chunk = content.FromUpdate(update);
            var usage = update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details;
            chunk.Metadata = Metadata(update.ResponseId, update.CreatedAt, update.FinishReason, usage, update.AdditionalProperties);
            yield return chunk;
        }
        AddToolLoop(history, updates.ToChatResponse(), content);
    }

    private static ChatOptions? Options(PromptExecutionSettings? settings, Kernel? kernel) =>
        Qwen3NextPromptExecutionSettings.FromExecutionSettings(settings).ToChatOptions(kernel);

    private static void AddToolLoop(ChatHistory history, ChatResponse response, KernelContentMapper content)
    {
        foreach (var message in response.Messages.SkipLast(1)) history.Add(content.FromMessage(message, response));
    }

    private static Dictionary<string, object?> Metadata(
        string? id, DateTimeOffset? createdAt, ChatFinishReason? finish, UsageDetails? usage, AdditionalPropertiesDictionary? more) =>
        new(more ?? [])
        {
            ["Id"] = id,
            ["CreatedAt"] = createdAt,
            ["FinishReason"] = finish?.Value,
            ["Usage"] = usage,
        };
}
