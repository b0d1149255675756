// The model thinks, calls a function of this program, reads its result and answers. Everything is shown as it happens.
using System.ComponentModel;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Qwen3Next.AI.TinyModel;

// In a host, the section "Qwen3Next" of appsettings.json sets the same options.
var builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.AddQwen3Next(options => options.ModelPath = TinyCheckpoint.Path).UseFunctionInvocation();
using var host = builder.Build();

[Description("Gets the current weather of a city.")]
static string GetWeather([Description("The name of the city.")] string city) => $"{city}: 18 degrees, light rain";

var options = new ChatOptions { Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
const string Question = "What is the weather like in Lisbon?";
Console.WriteLine($"> {Question}\n");

var client = host.Services.GetRequiredService<IChatClient>();
await foreach (var update in client.GetStreamingResponseAsync(Question, options))
{
    foreach (var content in update.Contents)
    {
        Console.Write(content switch
        {
            TextReasoningContent thought => Dim(thought.Text),
            FunctionCallContent call => $"\n[{call.Name}({string.Join(", ", call.Arguments!.Select(a => $"{a.Key}: {a.Value}"))})]\n",
            FunctionResultContent result => $"[-> {result.Result}]\n\n",
            ErrorContent error => $"\n[{error.Message}]\n",
            TextContent text => text.Text,
            _ => "",
        });
    }
}
Console.WriteLine();

static string Dim(string text) => Console.IsOutputRedirected ? text : $"\e[2m{text}\e[0m";
