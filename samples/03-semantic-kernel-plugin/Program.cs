// A Semantic Kernel plugin with two functions: the model looks a light up, then acts. A filter of the kernel sees every call.
using System.ComponentModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Qwen3Next.AI.SemanticKernel;
using Qwen3Next.AI.TinyModel;

var builder = Kernel.CreateBuilder().AddQwen3NextChatCompletion(options => options.ModelPath = TinyCheckpoint.Path);
builder.Plugins.AddFromType<Lights>();
builder.Services.AddSingleton<IAutoFunctionInvocationFilter, PrintCalls>();
var kernel = builder.Build();

var chat = kernel.GetRequiredService<IChatCompletionService>();
var settings = new Qwen3NextPromptExecutionSettings { Temperature = 0, FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
var history = new ChatHistory();
foreach (var request in new[] { "Turn on the Kitchen lamp.", "Turn light 2 off please." })
{
    Console.WriteLine($"> {request}");
    history.AddUserMessage(request);
    var answer = await chat.GetChatMessageContentAsync(history, settings, kernel);
    history.Add(answer);
    Console.WriteLine($"{answer.Content}\n");
}

internal sealed class Lights
{
    private readonly List<Light> _lights = [new(1, "Bedroom lamp", false), new(2, "Porch lamp", true), new(3, "Kitchen lamp", false)];

    [KernelFunction("get_lights"), Description("Gets a list of lights and their current state.")]
    public IReadOnlyList<Light> GetLights() => _lights;

    [KernelFunction("change_state"), Description("Changes the state of the light.")]
    public Light? ChangeState([Description("The id of the light.")] int id, [Description("Whether the light should be on.")] bool isOn)
    {
        var index = _lights.FindIndex(light => light.Id == id);
        return index < 0 ? null : _lights[index] = _lights[index] with { IsOn = isOn };
    }
}

internal sealed record Light(int Id, string Name, bool IsOn);

internal sealed class PrintCalls : IAutoFunctionInvocationFilter
{
    public async Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
    {
        await next(context);
        var arguments = string.Join(", ", context.Arguments?.Select(a => $"{a.Key}: {a.Value}") ?? []);
        Console.WriteLine($"  [{context.Function.PluginName}.{context.Function.Name}({arguments})]");
    }
}
