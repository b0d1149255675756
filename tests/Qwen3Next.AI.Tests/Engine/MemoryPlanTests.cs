using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

public sealed class MemoryPlanTests
{
    [Theory]
    [InlineData("next-yarn")]
    [InlineData("qwen3-dense-tiny")]
    public async Task PlanMemory_BeforeTheLoad_IsThePlanOfTheLoad(string checkpoint)
    {
        await using var engine = new Qwen3NextEngine(new Qwen3NextOptions { ModelPath = Golden.Path(checkpoint), MaxConcurrentRequests = 3 });
        var planned = engine.PlanMemory();
        Assert.Null(engine.MemoryPlan);
        await engine.LoadAsync();
        // Some small tensors are widened by the load; the plan counts them as stored.
        Assert.InRange(planned.Weights, 0.9 * engine.MemoryPlan!.Weights, engine.MemoryPlan.Weights);
        Assert.Equal(engine.MemoryPlan, planned with { Weights = engine.MemoryPlan.Weights });
    }
}
