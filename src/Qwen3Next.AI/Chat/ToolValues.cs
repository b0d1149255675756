using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>Arguments and results of functions as the model sees them.</summary>
internal static class ToolValues
{
    public static JsonElement Arguments(FunctionCallContent call) =>
        JsonSerializer.SerializeToElement(call.Arguments ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>Texts as they are, everything else as JSON in the form the models were trained to read.</summary>
    public static string Result(FunctionResultContent content) => content.Result switch
    {
        null => content.Exception is null ? "" : "Error: the function failed.",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        TextContent text => text.Text,
        var value => Serialize(value),
    };

    private static string Serialize(object value)
    {
        try
        {
            return PythonJson.Write(JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object))));
        }
        catch (NotSupportedException)
        {
            // A type that JSON cannot express, and reflection may be switched off: its own text is better than losing the result.
            return value.ToString() ?? "";
        }
    }
}
