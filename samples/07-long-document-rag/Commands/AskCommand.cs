using LongDocumentRag.Answering;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LongDocumentRag.Commands;

/// <summary><c>ask</c>: one question. <c>chat</c>: questions line by line, each with those before it in mind.</summary>
internal sealed class AskCommand(QuestionAnswerer answerer)
{
    public async Task<int> AskAsync(string question, CancellationToken cancellationToken)
    {
        await AnswerAsync(question, [], cancellationToken);
        return 0;
    }

    public async Task<int> ChatAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("Ask about the documents. An empty line ends the conversation.");
        List<ChatMessageContent> conversation = [];
        while (await Questions.NextAsync(cancellationToken) is { } question)
        {
            var answer = await AnswerAsync(question, conversation, cancellationToken);
            conversation.AddRange([new(AuthorRole.User, question), new(AuthorRole.Assistant, answer.Text)]);
        }
        return 0;
    }

    private async Task<Answer> AnswerAsync(string question, List<ChatMessageContent> conversation, CancellationToken cancellationToken)
    {
        var answer = await answerer.AskAsync(question, conversation, query => Console.WriteLine($"  [search: {query}]"), cancellationToken);
        Console.WriteLine(AnswerText.Of(answer));
        return answer;
    }
}
