using System.ComponentModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Qwen3Next.AI.Tests.Chat;

namespace Qwen3Next.AI.Tests.SemanticKernel;

/// <summary>A kernel with a scripted model, one plugin and filters that write down what they saw.</summary>
internal static class KernelFixture
{
    public const string AddCall = """<tool_call>{"name": "Calculator_Add", "arguments": {"a": 2, "b": 3}}</tool_call>""";

    public static Kernel Build(IQwen3NextEngine engine, List<string>? seen = null, Action<IServiceCollection>? register = null)
    {
        var builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton<IQwen3NextEngine>(engine);
        if (seen is not null)
        {
            builder.Services.AddSingleton<IFunctionInvocationFilter>(new FunctionFilter(seen));
            builder.Services.AddSingleton<IAutoFunctionInvocationFilter>(new AutoFilter(seen));
        }
        if (register is null) builder.AddQwen3NextChatCompletion(o => o.ModelPath = ByteTokenizer.Folder);
        else register(builder.Services);
        builder.Plugins.AddFromType<Calculator>();
        return builder.Build();
    }

    public sealed class Calculator
    {
        [KernelFunction, Description("Adds two numbers.")]
        public static int Add(int a, int b) => a + b;
    }

    private sealed class FunctionFilter(List<string> seen) : IFunctionInvocationFilter
    {
        public async Task OnFunctionInvocationAsync(Microsoft.SemanticKernel.FunctionInvocationContext context, Func<Microsoft.SemanticKernel.FunctionInvocationContext, Task> next)
        {
            if (context.Function.PluginName == nameof(Calculator)) seen.Add($"function {context.Function.Name}");
            await next(context);
        }
    }

    private sealed class AutoFilter(List<string> seen) : IAutoFunctionInvocationFilter
    {
        public async Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
        {
            seen.Add($"auto {context.Function.Name}");
            await next(context);
        }
    }
}
