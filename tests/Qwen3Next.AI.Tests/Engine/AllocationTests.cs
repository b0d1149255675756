using Qwen3Next.AI.Engine;
using Xunit;

namespace Qwen3Next.AI.Tests.Engine;

/// <summary>Runs alone, because it counts the allocations of the whole process.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public sealed class AllocationTests
{
    [Fact]
    public async Task Step_Decoding_AllocatesNothing()
    {
        using var engine = new EngineHarness(Golden.Path("next-yarn"), context: 1000);
        var request = new GenerationRequest { Prompt = new int[3], MaxTokens = 900 };
        await engine.GenerateAsync(request);

        // Nobody reads while the engine decodes, so what is allocated is allocated by its steps. A runtime thread may allocate now and then:
        // one of several tries must be clean.
        for (var attempt = 0; attempt < 10; attempt++)
        {
            await using var reader = engine.Engine.GenerateAsync(request, default).GetAsyncEnumerator();
            Assert.True(await reader.MoveNextAsync());
            Thread.Sleep(5);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Thread.Sleep(30);
            var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            Assert.True(await reader.MoveNextAsync());
            if (reader.Current.Tokens.Length > 20 && allocated == 0) return;
        }
        Assert.Fail("every try allocated, or decoded fewer than 20 tokens");
    }
}
