// Answers as objects: the model can write only JSON that the type's schema allows, so reading it back cannot fail.
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Qwen3Next.AI;
using Qwen3Next.AI.TinyModel;

using var client = new Qwen3NextChatClient(new Qwen3NextOptions { ModelPath = TinyCheckpoint.Path });
var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 300 };

// In lower case, as the question below names the keys: the schema shall ask for nothing else.
var json = new JsonSerializerOptions(JsonSerializerOptions.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

const string Keys = "The keys are name (string), age (integer), size (one of small/medium/large).";
foreach (var text in new[] { "Name: Ann Lee, aged 36, the size is small.", "Name: Rex, 4 years old, the size is large." })
{
    Console.WriteLine($"> {text}");
    var response = await client.GetResponseAsync<Entry>($"Extract the data from this text as JSON: {text} {Keys}", json, options);
    // Only the token budget can cut an answer off.
    Console.WriteLine(response.TryGetResult(out var entry) ? $"{entry}\n" : $"{response.FinishReason}: {response.Text}\n");
}

internal enum Size { Small, Medium, Large }

internal sealed record Entry(string Name, int Age, Size Size);
