using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Chat;

/// <summary>
/// Reads known keys of the loose bag in <see cref="ChatOptions"/>. Configuration, JSON and Semantic Kernel put numbers there as double,
/// <see cref="JsonElement"/> or text.
/// </summary>
internal readonly struct AdditionalProperties(AdditionalPropertiesDictionary? values)
{
    public float? Number(string key) => Find(key) is { } value ? ToNumber(key, value) : null;

    public int? Count(string key) => Find(key) is not { } value ? null
        : ToNumber(key, value) is var number && number >= 0 && number == MathF.Floor(number) ? (int)Math.Min(number, int.MaxValue)
        : throw Wrong(key, value, "a whole number of 0 or more");

    public bool? Flag(string key) => Find(key) switch
    {
        null => null,
        bool flag => flag,
        JsonElement { ValueKind: JsonValueKind.True } => true,
        JsonElement { ValueKind: JsonValueKind.False } => false,
        var value when bool.TryParse(value.ToString(), out var flag) => flag,
        var value => throw Wrong(key, value, "true or false"),
    };

    public IDictionary<int, float>? LogitBias(string key)
    {
        var value = Find(key);
        if (value is string text) value = Parse(key, text);
        return value switch
        {
            null => null,
            IDictionary<int, float> bias => bias,
            JsonElement { ValueKind: JsonValueKind.Object } json => json.EnumerateObject().ToDictionary(p => ToToken(key, p.Name), p => ToNumber(key, p.Value)),
            IEnumerable<KeyValuePair<string, object?>> bag => bag.ToDictionary(p => ToToken(key, p.Key), p => ToNumber(key, p.Value)),
            _ => throw Wrong(key, value, "an object of token ids and numbers"),
        };
    }

    private object? Find(string key) =>
        values is not null && values.TryGetValue(key, out var value) && value is not JsonElement { ValueKind: JsonValueKind.Null } ? value : null;

    private static float ToNumber(string key, object? value)
    {
        try
        {
            return value switch
            {
                JsonElement json => float.Parse(json.ToString(), CultureInfo.InvariantCulture),
                IConvertible number and not bool => Convert.ToSingle(number, CultureInfo.InvariantCulture),
                _ => throw Wrong(key, value, "a number"),
            };
        }
        catch (FormatException)
        {
            throw Wrong(key, value, "a number");
        }
    }

    private static int ToToken(string key, string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var token) ? token : throw Wrong(key, name, "a token id");

    private static JsonElement Parse(string key, string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            throw Wrong(key, text, "a JSON object of token ids and numbers");
        }
    }

    private static ArgumentException Wrong(string key, object? value, string expected) =>
        new($"ChatOptions.AdditionalProperties[\"{key}\"] is '{value}', not {expected}.", key);
}
