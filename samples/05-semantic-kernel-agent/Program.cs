// Two agents of Microsoft Agent Framework in a row: a reporter, who uses a Semantic Kernel plugin, and a clerk, who puts the report into JSON.
using System.ComponentModel;
using Microsoft.Agents.AI;
using Microsoft.Agents.AI.Workflows;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Qwen3Next.AI;
using Qwen3Next.AI.TinyModel;

var builder = Kernel.CreateBuilder();
builder.Plugins.AddFromType<Weather>();
builder.Services.AddSingleton<IFunctionInvocationFilter, PrintCalls>();
var kernel = builder.Build();

using var model = new Qwen3NextChatClient(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path, Defaults = { Temperature = 0 } });

// ToAITools, and not the functions themselves: so the kernel's filters see the calls.
var reporter = new ChatClientAgent(model, name: "reporter", tools: kernel.ToAITools());

// The clerk reads what was said, not how it was found out.
using var spoken = model.AsBuilder().Use((messages, options, next, cancel) => next(messages.Where(m => m.Text.Length > 0), options, cancel)).Build();
var clerk = new ChatClientAgent(spoken, name: "clerk", instructions: "Use the keys temperature (integer), city (string). Turn this text into JSON:");

var team = AgentWorkflowBuilder.BuildSequential(chainOnlyAgentResponses: true, [reporter, clerk]).AsAIAgent();
const string Question = "What is the weather in Lisbon?";
Console.WriteLine($"> {Question}");
foreach (var message in (await team.RunAsync(Question)).Messages)
    if (message.Text.Length > 0) Console.WriteLine($"{message.AuthorName}: {message.Text}");

internal sealed class Weather
{
    [KernelFunction("get_weather"), Description("Gets the current weather for a city.")]
    public static object Get([Description("Name of the city.")] string city) => new { temperature = city.Length, condition = "windy" };
}

internal sealed class PrintCalls : IFunctionInvocationFilter
{
    public async Task OnFunctionInvocationAsync(Microsoft.SemanticKernel.FunctionInvocationContext context, Func<Microsoft.SemanticKernel.FunctionInvocationContext, Task> next)
    {
        await next(context);
        var arguments = string.Join(", ", context.Arguments.Select(a => $"{a.Key}: {a.Value}"));
        Console.WriteLine($"  [{context.Function.PluginName}.{context.Function.Name}({arguments})]");
    }
}
