using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Qwen3Next.AI.Chat;

namespace Qwen3Next.AI.Endpoint;

/// <summary>
/// A chat request as vLLM and SGLang read it: OpenAI's chat completions and the fields that both add (top_k, min_p, repetition_penalty,
/// chat_template_kwargs). What is not set is left to the server.
/// </summary>
internal static class RequestBody
{
    public static byte[] Write(
        string model, IReadOnlyList<TemplateMessage> turns, IReadOnlyList<JsonElement> tools, ChatOptions? options, Qwen3NextGenerationOptions settings)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteBoolean("stream", true);
            json.WriteStartObject("stream_options");
            json.WriteBoolean("include_usage", true);
            json.WriteEndObject();
            MessageBody.Write(json, turns);
            WriteSampling(json, settings);
            if (tools.Count > 0) WriteTools(json, tools, options);
            WriteFormat(json, options?.ResponseFormat as ChatResponseFormatJson);
            if (LogProbabilities.Top(options) is { } top)
            {
                json.WriteBoolean("logprobs", true);
                json.WriteNumber("top_logprobs", top);
            }
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteSampling(Utf8JsonWriter json, Qwen3NextGenerationOptions settings)
    {
        if (settings.MaxOutputTokens is { } most) json.WriteNumber("max_tokens", most);
        if (settings.Temperature is { } temperature) json.WriteNumber("temperature", temperature);
        if (settings.TopP is { } topP) json.WriteNumber("top_p", topP);
        if (settings.TopK is { } topK) json.WriteNumber("top_k", topK > 0 ? topK : -1); // how both servers spell "all"
        if (settings.MinP is { } minP) json.WriteNumber("min_p", minP);
        if (settings.RepetitionPenalty is { } repetition) json.WriteNumber("repetition_penalty", repetition);
        if (settings.FrequencyPenalty is { } frequency) json.WriteNumber("frequency_penalty", frequency);
        if (settings.PresencePenalty is { } presence) json.WriteNumber("presence_penalty", presence);
        if (settings.Seed is { } seed) json.WriteNumber("seed", seed);
        if (settings.StopSequences is { Count: > 0 } stops)
        {
            json.WriteStartArray("stop");
            foreach (var stop in stops) json.WriteStringValue(stop);
            json.WriteEndArray();
        }
        if (settings.LogitBias is { Count: > 0 } biases)
        {
            json.WriteStartObject("logit_bias");
            foreach (var (token, bias) in biases) json.WriteNumber(token.ToString(CultureInfo.InvariantCulture), bias);
            json.WriteEndObject();
        }
        if (settings.EnableThinking is { } thinks)
        {
            json.WriteStartObject("chat_template_kwargs");
            json.WriteBoolean("enable_thinking", thinks);
            json.WriteEndObject();
        }
    }

    private static void WriteTools(Utf8JsonWriter json, IReadOnlyList<JsonElement> tools, ChatOptions? options)
    {
        json.WriteStartArray("tools");
        foreach (var tool in tools) tool.WriteTo(json);
        json.WriteEndArray();
        if (options?.AllowMultipleToolCalls is { } several) json.WriteBoolean("parallel_tool_calls", several);
        if (options?.ToolMode is not RequiredChatToolMode required) return;
        if (required.RequiredFunctionName is not { } name)
        {
            json.WriteString("tool_choice", "required");
            return;
        }
        json.WriteStartObject("tool_choice");
        json.WriteString("type", "function");
        json.WriteStartObject("function");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter json, ChatResponseFormatJson? format)
    {
        if (format is null) return;
        json.WriteStartObject("response_format");
        json.WriteString("type", format.Schema is null ? "json_object" : "json_schema");
        if (format.Schema is { } schema)
        {
            json.WriteStartObject("json_schema");
            json.WriteString("name", format.SchemaName ?? "answer");
            if (format.SchemaDescription is { } description) json.WriteString("description", description);
            json.WritePropertyName("schema");
            schema.WriteTo(json);
            json.WriteBoolean("strict", true);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
