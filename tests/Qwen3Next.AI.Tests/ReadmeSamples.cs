using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.TinyModel;

namespace Qwen3Next.AI.Tests;

/// <summary>The code of README.md, word for word, so that it compiles. <see cref="ReadmeTests"/> compares the two.</summary>
internal static class ReadmeSamples
{
    public static async Task InAnApplicationAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.AddQwen3Next(options => options.ModelPath = "models/Qwen3-Next-80B-A3B-Instruct").UseFunctionInvocation();
        using var host = builder.Build();

        var client = host.Services.GetRequiredService<IChatClient>();
        var tools = new ChatOptions { Tools = [AIFunctionFactory.Create(() => DateTimeOffset.Now, "get_current_time", "Gets the current date and time.")] };
        await foreach (var update in client.GetStreamingResponseAsync("What time is it?", tools))
            Console.Write(update.Text);
    }

    public static async Task WithSemanticKernelAsync()
    {
        var kernel = Kernel.CreateBuilder().AddQwen3NextChatCompletion(options => options.ModelPath = TinyCheckpoint.Path).Build();
        var chat = kernel.GetRequiredService<IChatCompletionService>();
        Console.WriteLine(await chat.GetChatMessageContentAsync("Who are you?"));
    }
}
