using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.Tests.Chat;
using Xunit;

namespace Qwen3Next.AI.Tests.SemanticKernel;

public sealed class KernelRegistrationTests
{
    private static void Model(Qwen3NextOptions options) => options.ModelPath = ByteTokenizer.Folder;

    [Fact]
    public async Task AddQwen3NextChatCompletion_OverAClientWithItsOwnInvocation_StillRunsTheKernelsFilters()
    {
        var (engine, seen) = (new ScriptedEngine().Reply(KernelFixture.AddCall).Reply("5"), new List<string>());
        var kernel = KernelFixture.Build(engine, seen, services =>
        {
            services.AddQwen3Next(Model).UseFunctionInvocation();
            services.AddQwen3NextChatCompletion();
        });
        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
        Assert.Equal("5", (await kernel.InvokePromptAsync("2+3?", new(settings))).GetValue<string>());
        Assert.Equal(["auto Add", "function Add"], seen);
        Assert.Single(kernel.Services.GetServices<IChatClient>());
    }

    [Fact]
    public async Task AddQwen3NextChatClient_InvokesFunctionsWithFilters()
    {
        var (engine, seen) = (new ScriptedEngine().Reply(KernelFixture.AddCall).Reply("5"), new List<string>());
        var kernel = KernelFixture.Build(engine, seen, services => services.AddQwen3NextChatClient(Model));
        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
        Assert.Equal("5", (await kernel.InvokePromptAsync<ChatResponse>("2+3?", new(settings)))!.Text);
        Assert.Equal(["auto Add", "function Add"], seen);
    }

    [Fact]
    public async Task AddQwen3NextChatCompletion_ServiceIds_AreChosenBySettings()
    {
        var (one, two) = (new ScriptedEngine().Reply("one"), new ScriptedEngine().Reply("two"));
        var builder = Kernel.CreateBuilder();
        builder.Services.AddKeyedSingleton<IQwen3NextEngine>("one", one).AddKeyedSingleton<IQwen3NextEngine>("two", two);
        var kernel = builder.AddQwen3NextChatCompletion(Model, "one").AddQwen3NextChatCompletion(Model, "two").Build();
        Assert.Equal("two", (await kernel.InvokePromptAsync("Hi", new(new PromptExecutionSettings { ServiceId = "two" }))).GetValue<string>());
        Assert.Equal("one", (await kernel.InvokePromptAsync("Hi", new(new PromptExecutionSettings { ServiceId = "one" }))).GetValue<string>());
    }

    [Fact]
    public async Task AddQwen3NextChatCompletion_BesideANamedModel_IsOverThatModel()
    {
        var services = new ServiceCollection();
        services.AddKeyedSingleton<IQwen3NextEngine>("tiny", new ScriptedEngine().Reply("yes"));
        services.AddQwen3Next("tiny", Model);
        services.AddQwen3NextChatCompletion().AddKernel();
        using var provider = services.BuildServiceProvider();
        var kernel = provider.GetRequiredService<Kernel>();
        Assert.Equal("yes", (await kernel.GetRequiredService<IChatCompletionService>().GetChatMessageContentAsync("Hi")).Content);
    }

    [Fact]
    public async Task AddKernel_InAHost_FindsTheFirstNamedClientByDefault()
    {
        var services = new ServiceCollection();
        services.AddKeyedSingleton<IQwen3NextEngine>("tiny", new ScriptedEngine().Reply("yes"));
        services.AddQwen3Next("tiny", Model);
        services.AddKernel();
        using var provider = services.BuildServiceProvider();
        Assert.Equal("yes", (await provider.GetRequiredService<Kernel>().InvokePromptAsync<ChatResponse>("Hi"))!.Text);
    }

    [Fact]
    public void AddQwen3Next_WrongArguments_Throw()
    {
        Assert.Throws<ArgumentNullException>("builder", () => ((IKernelBuilder)null!).AddQwen3NextChatCompletion());
        Assert.Throws<ArgumentNullException>("services", () => ((IServiceCollection)null!).AddQwen3NextChatClient());
    }
}
