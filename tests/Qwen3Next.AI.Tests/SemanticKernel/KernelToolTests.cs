using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.SemanticKernel;

/// <summary>Plugins as tools of a client that knows nothing of kernels.</summary>
public sealed class KernelToolTests
{
    private static ScriptedEngine ToolLoop() => new ScriptedEngine().Reply(KernelFixture.AddCall).Reply("It is 5.");

    [Fact]
    public async Task ToAITools_CalledByTheModel_RunUnderTheFunctionFilters()
    {
        var (engine, seen) = (ToolLoop(), new List<string>());
        var kernel = KernelFixture.Build(engine, seen);
        using var client = new Qwen3NextChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("2+3?", new ChatOptions { Tools = kernel.ToAITools() });
        Assert.Equal("It is 5.", response.Text);
        Assert.Equal(["function Add"], seen);
        Assert.Contains("\"name\": \"Calculator_Add\", \"description\": \"Adds two numbers.\"", engine.Prompts[0]);
        Assert.Contains("<tool_response>\n5\n</tool_response>", engine.Prompts[1]);
    }

    [Fact]
    public async Task ToAITools_OfAPlugin_ReturnJsonAndAcceptJson()
    {
        var plugin = KernelPluginFactory.CreateFromType<Shop>();
        var tools = plugin.ToAITools(new Kernel()).Cast<AIFunction>().ToDictionary(tool => tool.Name);
        Assert.Equal(["Shop_Find", "Shop_Nothing", "Shop_Word"], tools.Keys.Order());
        var found = await tools["Shop_Find"].InvokeAsync(new AIFunctionArguments { ["number"] = JsonElement.Parse("7") });
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"number":7,"name":"tea"}"""), Assert.IsType<JsonElement>(found)));
        Assert.Equal("tea", Assert.IsType<JsonElement>(await tools["Shop_Word"].InvokeAsync()).GetString());
        Assert.Null(await tools["Shop_Nothing"].InvokeAsync());
    }

    [Fact]
    public async Task ToAITools_FunctionFails_TheErrorReachesTheCaller()
    {
        var kernel = new Kernel();
        var plugin = kernel.CreatePluginFromFunctions("p", [KernelFunctionFactory.CreateFromMethod(string () => throw new InvalidOperationException("broken"), "f")]);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await ((AIFunction)plugin.ToAITools(kernel)[0]).InvokeAsync());
        Assert.Throws<ArgumentNullException>("kernel", () => plugin.ToAITools(null!));
        Assert.Throws<ArgumentNullException>("plugin", () => ((KernelPlugin)null!).ToAITools(kernel));
    }

    private sealed class Shop
    {
        public sealed record Item(int Number, string Name);

        [KernelFunction, Description("Finds an item.")]
        public static Item Find(int number) => new(number, "tea");

        [KernelFunction]
        public static string Word() => "tea";

        [KernelFunction]
        public static void Nothing()
        {
        }
    }
}
