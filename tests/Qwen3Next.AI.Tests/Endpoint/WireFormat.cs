using System.Text.Json;

namespace Qwen3Next.AI.Tests.Endpoint;

/// <summary>
/// Streamed pieces as the servers write them. Which fields there are, which are null and which are left out was taken from streams that people recorded of
/// running servers and published in issues and tests in 2025 and 2026; the words are ours.
/// </summary>
internal sealed class WireFormat
{
    private readonly string _name;

    private WireFormat(string name) => _name = name;

    public static IReadOnlyList<string> Names { get; } = ["vllm", "vllm 0.11", "vllm before 0.11", "sglang", "sglang before 2026"];

    public static WireFormat Of(string server) =>
        Names.Contains(server) ? new WireFormat(server) : throw new ArgumentOutOfRangeException(nameof(server), server, null);

    public bool IsSglang => _name.StartsWith("sglang", StringComparison.Ordinal);

    public string Role() => Piece(IsSglang ? """{"role":"assistant","content":""}""" : """{"role":"assistant","content":"","reasoning_content":null}""");

    public string Reasoning(string text) => Piece(_name switch
    {
        "vllm" => "{\"reasoning\":" + Quote(text) + "}",
        // For a while every piece had its text twice, under the old name and under the new one.
        "vllm 0.11" => "{\"reasoning\":" + Quote(text) + ",\"reasoning_content\":" + Quote(text) + "}",
        "sglang before 2026" => "{\"role\":null,\"content\":null,\"reasoning_content\":" + Quote(text) + ",\"tool_calls\":null}",
        _ => "{\"reasoning_content\":" + Quote(text) + "}",
    });

    public string Text(string text) => Piece("""{"content":""" + Quote(text) + _name switch
    {
        "vllm 0.11" => ""","reasoning_content":null}""",
        _ when IsSglang => ""","role":null,"reasoning_content":null,"tool_calls":null}""",
        _ => "}",
    });

    public string CallStart(int index, string id, string name) => Piece(
        """{"tool_calls":[{"index":""" + index + ""","id":""" + Quote(id) + ""","type":"function","function":{"name":""" + Quote(name) + ""","arguments":""}}]}""");

    public string CallArguments(int index, string part) => Piece(
        """{"tool_calls":[{"index":""" + index + (IsSglang ? ""","id":null,"type":"function","function":{"name":null,"arguments":""" : ""","function":{"arguments":""") + Quote(part) + "}}]}");

    public string Finish(string reason) => Piece(_name == "sglang" ? """{"reasoning_content":null}""" : "{}", Quote(reason), matched: "151645");

    public string Usage(int prompt, int completion, int cached, int reasoning) => Whole("[]", $",\"usage\":{{\"prompt_tokens\":{prompt},\"total_tokens\":{prompt + completion},"
        + $"\"completion_tokens\":{completion},\"prompt_tokens_details\":{{\"cached_tokens\":{cached}}}" + (IsSglang ? $",\"reasoning_tokens\":{reasoning}}}" : "}"));

    private string Piece(string delta, string finish = "null", string matched = "null") => IsSglang
        ? Whole("""[{"index":0,"delta":""" + delta + ""","logprobs":null,"finish_reason":""" + finish + ""","matched_stop":""" + matched + "}]", ""","usage":null""")
        : Whole("""[{"index":0,"delta":""" + delta + ""","logprobs":null,"finish_reason":""" + finish + (finish == "null" ? ""","token_ids":null}]""" : ""","stop_reason":null}]"""));

    private string Whole(string choices, string more = "") => """{"id":""" + (IsSglang ? "\"9f2c51\"" : "\"chatcmpl-7d41\"")
        + ""","object":"chat.completion.chunk","created":1764042665,"model":"Qwen/Qwen3-Next-80B-A3B-Thinking","choices":""" + choices + more + "}";

    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
