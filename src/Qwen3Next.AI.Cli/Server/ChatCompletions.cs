using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Server.Wire;

namespace Qwen3Next.AI.Cli.Server;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletions(ServedModel model, ServerOptions options)
{
    public async Task HandleAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context);
        model.CheckName(body.Text("model"));
        var request = ChatRequest.Read(body, options.MaxMessages);
        if (request.Streams)
        {
            var updates = model.Chat.GetStreamingResponseAsync(request.Messages, request.Options, context.RequestAborted);
            await EventStream.SendAsync(context, ChatAnswers.Pieces(updates, request.IncludesUsage), AnswerJson.Types.ChatCompletion, options.KeepAlive);
            return;
        }
        var response = await model.Chat.GetResponseAsync(request.Messages, request.Options, context.RequestAborted);
        await context.Response.WriteAsJsonAsync(ChatAnswers.Whole(response), AnswerJson.Types.ChatCompletion, cancellationToken: context.RequestAborted);
    }
}
