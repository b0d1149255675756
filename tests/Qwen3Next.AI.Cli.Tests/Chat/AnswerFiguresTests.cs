using Microsoft.Extensions.AI;
using Qwen3Next.AI.Cli.Chat;
using Xunit;

namespace Qwen3Next.AI.Cli.Tests.Chat;

public sealed class AnswerFiguresTests
{
    [Fact]
    public void ToString_WithDrafts_SaysHowManyWereRight()
    {
        var figures = new AnswerFigures();
        for (var turn = 0; turn < 2; turn++)
        {
            figures.Add(new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(new UsageDetails
            {
                InputTokenCount = 30, OutputTokenCount = 10,
                AdditionalCounts = new() { ["OutputTokenDetails.AcceptedPredictionTokenCount"] = 6, ["OutputTokenDetails.RejectedPredictionTokenCount"] = 2 },
            })]));
        }
        Assert.Equal("[20 tokens, 75 % of 16 drafts right; prompt 30 tokens]", figures.ToString());
    }
}
