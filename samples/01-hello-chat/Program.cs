// A conversation of two questions; the second one needs the first. Give a checkpoint folder as argument to talk to another model.
using Microsoft.Extensions.AI;
using Qwen3Next.AI;
using Qwen3Next.AI.TinyModel;

var model = args.Length > 0 ? args[0] : TinyCheckpoint.Path;
using IChatClient client = new Qwen3NextChatClient(new Qwen3NextOptions { ModelPath = model });

// The model keeps nothing between calls: the conversation is this list, and all of it is sent every time.
List<ChatMessage> conversation = [];
foreach (var question in new[] { "Hello! My name is Ada.", "What is my name?" })
{
    Console.WriteLine($"> {question}");
    conversation.Add(new ChatMessage(ChatRole.User, question));

    List<ChatResponseUpdate> answer = [];
    await foreach (var update in client.GetStreamingResponseAsync(conversation))
    {
        Console.Write(update.Text);
        answer.Add(update);
    }
    conversation.AddMessages(answer);

    var usage = answer.ToChatResponse().Usage!;
    Console.WriteLine($"\n  ({usage.InputTokenCount} tokens in, {usage.OutputTokenCount} out, {usage.ReasoningTokenCount} of them thinking)\n");
}
