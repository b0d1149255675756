using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Qwen3Next.AI.Cli.Server.Wire;

/// <summary>How tokens are chosen: the members that chats and completions have in common.</summary>
internal static class GenerationFields
{
    private const int MostStops = 64, MostBiases = 1024, MostTop = 20;

    /// <summary>Members that concern the sender's own books, or a speed that is not theirs to choose.</summary>
    public static void IgnoreHarmless(JsonFields body) =>
        body.Ignore("user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prediction");

    public static Qwen3NextGenerationOptions Read(JsonFields body)
    {
        if (body.Whole("n", 1, 1024) is { } n and > 1)
            throw ApiException.Bad($"n is {n}; a request has one answer here. Send it {n} times: the prompt is computed once where it is cached.", "n", "unsupported_value");
        return new Qwen3NextGenerationOptions
        {
            Temperature = body.Number("temperature", 0, 100),
            TopP = body.Number("top_p", 0, 1, above: true),
            TopK = body.Whole("top_k", -1, int.MaxValue) is { } k ? Math.Max(0, k) : null, // -1 is others' word for all
            MinP = body.Number("min_p", 0, 1),
            RepetitionPenalty = body.Number("repetition_penalty", 0, 100, above: true),
            FrequencyPenalty = body.Number("frequency_penalty", -2, 2),
            PresencePenalty = body.Number("presence_penalty", -2, 2),
            LogitBias = LogitBias(body),
            Seed = body.Whole("seed", long.MinValue, long.MaxValue),
            StopSequences = Stops(body),
        };
    }

    /// <summary>Whether to stream, and whether the stream ends with the usage.</summary>
    public static (bool Streams, bool IncludesUsage) Stream(JsonFields body)
    {
        var streams = body.Flag("stream") ?? false;
        if (body.Object("stream_options") is not { } options) return (streams, false);
        var usage = options.Flag("include_usage") ?? false;
        options.Ignore("include_obfuscation");
        options.RefuseRest();
        return (streams, usage);
    }

    /// <summary>Asks for log probabilities in the way the chat client knows.</summary>
    public static void Want(ChatOptions options, int top) => options.AdditionalProperties = new() { ["logprobs"] = true, ["top_logprobs"] = top };

    public static int? Top(JsonFields body, string name) => body.Whole(name, 0, MostTop);

    private static List<string>? Stops(JsonFields body)
    {
        if (body.Any("stop") is not { } stop) return null;
        List<JsonElement> texts = stop.ValueKind == JsonValueKind.Array ? [.. stop.EnumerateArray()] : [stop];
        if (texts.Count <= MostStops && texts.TrueForAll(text => text.ValueKind == JsonValueKind.String && text.GetString()!.Length > 0))
            return [.. texts.Select(text => text.GetString()!)];
        throw JsonFields.Wrong("stop", stop, $"a text, or up to {MostStops} texts, none of them empty");
    }

    private static Dictionary<int, float>? LogitBias(JsonFields body)
    {
        if (body.Any("logit_bias") is not { } bias) return null;
        var biases = new Dictionary<int, float>();
        if (bias.ValueKind != JsonValueKind.Object) throw Bad();
        foreach (var member in bias.EnumerateObject())
        {
            if (biases.Count == MostBiases || !int.TryParse(member.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var token)) throw Bad();
            if (member.Value.ValueKind != JsonValueKind.Number || !member.Value.TryGetSingle(out var value) || Math.Abs(value) > 100) throw Bad();
            biases[token] = value;
        }
        return biases;

        ApiException Bad() => JsonFields.Wrong("logit_bias", bias, $"an object of up to {MostBiases} token ids, each with a number from -100 to 100");
    }
}
