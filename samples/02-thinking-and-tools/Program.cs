// The model thinks, calls a function of this program, reads its result and answers. Everything is shown as it happens.
using System.ComponentModel;
using System.Text.Json;
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

[Description("Gets the current weather for a city.")]
static object GetWeather([Description("Name of the city.")] string city) => new { temperature = city.Length, condition = "windy" };

var options = new ChatOptions { Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
const string Question = "What is the weather in Lisbon?";
Console.WriteLine($"> {Question}\n");

var client = host.Services.GetRequiredService<IChatClient>();
Type? kind = null;
await foreach (var update in client.GetStreamingResponseAsync(Question, options))
{
    foreach (var content in update.Contents)
    {
        var text = content switch
        {
            TextReasoningContent thought => Dim(thought.Text),
            FunctionCallContent call => $"[{call.Name}({string.Join(", ", call.Arguments!.Select(a => $"{a.Key}: {a.Value}"))})]",
            FunctionResultContent result => $"[result: {JsonSerializer.Serialize(result.Result)}]",
            ErrorContent error => $"[{error.Message}]",
            TextContent answer => answer.Text,
            _ => "",
        };
        if (text.Length == 0) continue;
        if (kind is not null && kind != content.GetType()) Console.WriteLine();
        kind = content.GetType();
        Console.Write(text);
    }
}
Console.WriteLine();

static string Dim(string text) => Console.IsOutputRedirected ? text : $"\e[2m{text}\e[0m";
