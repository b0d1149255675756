using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Meai = Microsoft.Extensions.AI;
using SK = Microsoft.SemanticKernel;

namespace Qwen3Next.AI.SemanticKernel;

/// <summary>
/// Translates between the kernel's contents and those of chat clients. The kernel's own translation drops thinking, and forgets which plugin a
/// call belongs to: the model knows a function as <c>Plugin_Function</c>, the kernel as plugin and function.
/// </summary>
internal sealed class KernelContentMapper(Kernel? kernel)
{
    public static List<ChatMessage> ToMessages(ChatHistory history) => [.. history.Select(ToMessage)];

    private static ChatMessage ToMessage(ChatMessageContent message) =>
        new(new ChatRole(message.Role.Label), [.. message.Items.SelectMany(item => ToContents(item, message.Role))]) { AuthorName = message.AuthorName };

    private static IEnumerable<AIContent> ToContents(KernelContent item, AuthorRole role) => item switch
    {
        ReasoningContent reasoning => [new TextReasoningContent(reasoning.Text)],
        SK.FunctionCallContent call => [new Meai.FunctionCallContent(call.Id ?? "", FullName(call.PluginName, call.FunctionName), call.Arguments)],
        SK.FunctionResultContent result => [new Meai.FunctionResultContent(result.CallId ?? "", result.Result)],
        _ => new ChatMessageContent(role, [item]).ToChatMessage().Contents,
    };

    public ChatMessageContent FromMessage(ChatMessage message, ChatResponse response)
    {
        var result = new ChatMessageContent(new AuthorRole(message.Role.Value), [], response.ModelId, response) { AuthorName = message.AuthorName };
        foreach (var content in message.Contents)
        {
            KernelContent? item = content switch
            {
                Meai.TextContent text => new SK.TextContent(text.Text),
                TextReasoningContent reasoning => new ReasoningContent(reasoning.Text),
                Meai.FunctionCallContent call => ToCall(call),
                Meai.FunctionResultContent answer => new SK.FunctionResultContent(CallOf(answer, response), answer.Result),
                _ => null,
            };
            if (item is null) continue;
            (item.ModelId, item.InnerContent) = (response.ModelId, content);
            result.Items.Add(item);
        }
        return result;
    }

    public StreamingChatMessageContent FromUpdate(ChatResponseUpdate update)
    {
        var role = update.Role is { } known ? new AuthorRole(known.Value) : (AuthorRole?)null;
        var result = new StreamingChatMessageContent(role, null, update, modelId: update.ModelId) { AuthorName = update.AuthorName };
        foreach (var content in update.Contents)
        {
            StreamingKernelContent? item = content switch
            {
                Meai.TextContent text => new StreamingTextContent(text.Text, modelId: update.ModelId),
                TextReasoningContent reasoning => new StreamingReasoningContent(reasoning.Text),
                Meai.FunctionCallContent call => new StreamingFunctionCallUpdateContent(call.CallId, StreamingName(call.Name), Json(call.Arguments), result.Items.Count),
                _ => null,
            };
            if (item is null) continue;
            // Prompt functions unwrap each item to what the caller asked for, so every item leads to the whole update.
            (item.ModelId, item.InnerContent) = (update.ModelId, update);
            result.Items.Add(item);
        }
        return result;
    }

    private SK.FunctionCallContent ToCall(Meai.FunctionCallContent call)
    {
        var function = Find(call.Name);
        var arguments = call.Arguments is null ? null : new KernelArguments(call.Arguments);
        return new SK.FunctionCallContent(function?.Name ?? call.Name, function?.PluginName, call.CallId, arguments);
    }

    private SK.FunctionCallContent CallOf(Meai.FunctionResultContent result, ChatResponse response)
    {
        var call = response.Messages.SelectMany(m => m.Contents).OfType<Meai.FunctionCallContent>().FirstOrDefault(c => c.CallId == result.CallId);
        return call is null ? new SK.FunctionCallContent("", id: result.CallId) : ToCall(call);
    }

    private KernelFunction? Find(string fullName) =>
        kernel?.Plugins.SelectMany(plugin => plugin).FirstOrDefault(f => FullName(f.PluginName, f.Name) == fullName);

    // The kernel's builder of streamed calls splits names at this sign.
    private string StreamingName(string fullName) => Find(fullName) is { PluginName: { } plugin } function ? $"{plugin}-{function.Name}" : fullName;

    private static string FullName(string? plugin, string function) => string.IsNullOrEmpty(plugin) ? function : $"{plugin}_{function}";

    private static string Json(IDictionary<string, object?>? arguments) =>
        JsonSerializer.Serialize(arguments ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));
}
